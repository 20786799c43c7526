"""Work in threads whose results come in order, with little of it in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

In, Out = TypeVar("In"), TypeVar("Out")


def in_order(
    pool: ThreadPoolExecutor,
    do: Callable[[In], Out],
    items: Iterable[In],
    ahead: int,
    weigh: Callable[[In], int] = lambda item: 0,
    most: int = 0,
) -> Iterator[Out]:
    """Yield do(item) for all items in their order.

    Args:
        pool: of threads that do it.
        do: what is done.
        items: are asked for one after the other.
        ahead: how many are begun before the first of them is yielded, at most.
        weigh: says what an item weighs.
        most: that the begun ones weigh when the next item is asked for.
    """
    begun: deque[tuple[int, Future]] = deque()
    try:
        for item in items:
            begun.append((weigh(item), pool.submit(do, item)))
            del item  # it lives as long as its work
            while len(begun) >= ahead or sum(weight for weight, _ in begun) > most:
                yield begun.popleft()[1].result()
        while begun:
            yield begun.popleft()[1].result()
    finally:
        for _, future in begun:
            future.cancel()
