"""Save results in threads, while the next ones are predicted."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

from depthkit.apis.predict_ahead import MOST_PIXELS, count_workers
from depthkit.apis.result import DepthResult
from depthkit.apis.saved_prediction import SavedPrediction
from depthkit.utils.memory import trim_memory

Saved = tuple[int, SavedPrediction]  # the image's place in the list


class SaveBehind:
    """Threads that save results, in a ``with`` block, at whose end they have finished what they began.

    Args:
        save: saves the result of the image with this place in the list.
    """

    def __init__(self, save: Callable[[int, DepthResult], SavedPrediction]) -> None:
        self.save = save
        self._pool = ThreadPoolExecutor(count_workers(), thread_name_prefix="depthkit-save")
        self._waiting: deque[tuple[int, int, Future]] = deque()  # places, pixels

    def __enter__(self) -> "SaveBehind":
        return self

    def __exit__(self, *reason: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def save_all(self, results: Iterable[tuple[int, DepthResult]]) -> Iterator[Saved]:
        """Save results, and yield what is known about each, in their order.

        A result is taken when there is room for it: `MOST_PIXELS` of them are in memory, or one that is larger.

        Raises:
            InputError: one of them cannot be written.
        """
        results = iter(results)
        while (one := next(results, None)) is not None:
            place, result = one
            del one  # its arrays live until they are saved, and no longer
            pixels = result.values.size
            while self._waiting and self._is_full(pixels):
                yield self._oldest()
            self._waiting.append((place, pixels, self._pool.submit(self.save, place, result)))
            del result
            if pixels > MOST_PIXELS:  # the next image is read when this one has left the memory
                wait([self._waiting[-1][2]])
                trim_memory()
            while self._waiting and self._waiting[0][2].done():
                yield self._oldest()
        while self._waiting:
            yield self._oldest()

    def _is_full(self, pixels: int) -> bool:
        too_many = len(self._waiting) >= 4 * count_workers()
        return (
            too_many or sum(waiting for _, waiting, future in self._waiting if not future.done()) + pixels > MOST_PIXELS
        )

    def _oldest(self) -> Saved:
        place, _, future = self._waiting.popleft()
        return place, future.result()
