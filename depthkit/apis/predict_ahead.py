"""Predict image files one after the other, while threads already read the next ones."""

import math
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from depthkit.apis.focal import FocalLength, FocalRequest
from depthkit.apis.image_batches import join_batches
from depthkit.apis.image_source import SourceImage, read_source
from depthkit.apis.result import DepthResult
from depthkit.errors import InputError
from depthkit.utils.image_decoding import open_image

if TYPE_CHECKING:
    from mmseg.structures import SegDataSample

    from depthkit.apis.predictor import DepthPredictor

MOST_WORKERS = 8  # threads that read, and as many that write
MOST_PIXELS = 32_000_000  # of the images that are read and not yet predicted; a larger one is alone in memory
_PIXELS_OF_BATCH = 16_000_000  # for each further image of a batch


Predicted = tuple[int, DepthResult | InputError]  # the image's place in the list


class _Prepared(NamedTuple):
    place: int
    source: SourceImage
    batch: dict  # the network's input of this image alone
    camera: FocalLength


def count_workers() -> int:
    """Return the number of threads that read images, and of those that write results."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, MOST_WORKERS)


class PredictAhead:
    """Depth of image files, for a loop over it in a ``with`` block, at whose end its threads have ended.

    Threads decode and prepare the next images while the network runs. A batch has images whose network's inputs have
    one size, in the order of the list, which between images of other sizes may change. Which images share a batch
    depends on the list and on their sizes alone, so that a second run has the same results to the last bit.

    Args:
        predictor: the model.
        images: the files.
        focal: focal length [px] of all images at the size of their files, or ``exif``; see `DepthPredictor`.
        batch_size: how many images go through the network together, at most.
        max_pixels: an image that has more is decoded with a reduction, and so is its result.
    """

    def __init__(
        self,
        predictor: "DepthPredictor",
        images: Sequence[Path],
        focal: FocalRequest,
        batch_size: int,
        max_pixels: int,
    ) -> None:
        self.predictor, self.images, self.focal = predictor, images, focal
        self.batch_size, self.max_pixels = batch_size, max_pixels
        self._pool = ThreadPoolExecutor(count_workers(), thread_name_prefix="depthkit-read")
        self._most_pixels = MOST_PIXELS + (batch_size - 1) * _PIXELS_OF_BATCH
        self._most_images = batch_size + count_workers()  # read ahead
        self._reading: deque[tuple[int, Future[_Prepared]]] = deque()
        self._groups: dict[tuple[int, ...], list[_Prepared]] = {}
        self._weights: dict[int, int] = {}  # [px], of the images in memory, by place

    def __enter__(self) -> "PredictAhead":
        return self

    def __exit__(self, *reason: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __iter__(self) -> Iterator[Predicted]:
        """Yield the place of each image in the list with its depth, or with why it has none."""
        for place, image in enumerate(self.images):
            try:
                weight = _count_pixels(image)
            except InputError as error:
                yield place, error
                continue
            while self._weights and self._is_full(weight):
                yield from self._step()
            self._weights[place] = weight
            self._reading.append((place, self._pool.submit(self._read, place)))
        while self._weights:
            yield from self._step()

    def _is_full(self, weight: int) -> bool:
        too_many = len(self._reading) >= self._most_images or len(self._weights) >= 2 * self._most_images
        return too_many or sum(self._weights.values()) + weight > self._most_pixels

    def _step(self) -> Iterator[Predicted]:
        """Take the next image that was read into its group; run a group that is full, or the oldest."""
        if not self._reading:
            yield from self._run(next(iter(self._groups)))
            return
        place, reading = self._reading.popleft()
        try:
            prepared = reading.result()
        except InputError as error:
            del self._weights[place]
            yield place, error
            return
        shape = tuple(prepared.batch["inputs"].shape)
        self._groups.setdefault(shape, []).append(prepared)
        if len(self._groups[shape]) == self.batch_size:
            yield from self._run(shape)

    def _read(self, place: int) -> _Prepared:
        source = read_source(self.images[place], max_pixels=self.max_pixels)
        focal = source.scale_focal(self.focal)
        return _Prepared(place, source, *self.predictor.prepare(source.rgb, source.name, focal, source.focal))

    def _run(self, shape: tuple[int, ...]) -> Iterator[Predicted]:
        """Predict a group; nothing of an image that was yielded is held here."""
        group = deque(self._groups.pop(shape))
        try:
            samples = deque(self.predictor.run(join_batches([one.batch for one in group])))
        except InputError as error:
            for one in group:
                del self._weights[one.place]
                yield one.place, InputError(f"{one.source.name}: {str(error).removeprefix(f'{one.source.name}: ')}")
            return
        while group:
            yield self._result(group.popleft(), samples.popleft())

    def _result(self, image: _Prepared, predicted: "SegDataSample") -> Predicted:
        del self._weights[image.place]
        return image.place, self.predictor.make_result(image.source, image.camera, predicted)


def _count_pixels(image: Path) -> int:
    with open_image(image, reduced=True) as opened:
        return math.prod(opened.size)
