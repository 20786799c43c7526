"""Stages of work on frames that run at the same time, each in a thread of its own."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
_END = object()
AHEAD = 3  # frames that a stage may be ahead of the next one; each of them is in memory


def run_ahead(items: Iterator[Item], ahead: int = AHEAD) -> Generator[Item, None, None]:
    """Yield what `items` yields, while a thread already makes the next ones, `ahead` of them at most.

    What `items` raises is raised here, in its place. However the loop over this ends, the thread has ended before, and
    `items` is closed if it is a generator. The thread waits for nothing else than `items`, so that a signal that ends
    the main thread ends it too.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="depthkit-video")
    try:
        waiting = deque(pool.submit(next, items, _END) for _ in range(ahead))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(next, items, _END))
            yield item
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if isinstance(items, Generator):
            items.close()
