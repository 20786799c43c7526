"""The line of requests: one works, some wait, and the next is told to come back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class LineFull(Exception):
    """All places are taken."""


class WorkLine:
    """One thread that works on one thing at a time, in the order in which they came.

    Args:
        places: how many requests may hold a place at once.

    Attributes:
        taken: how many do.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "depthkit-work")

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place within the block.

        Raises:
            LineFull: there is none left.
        """
        if self.taken >= self.places:
            raise LineFull
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def work(self, do: Callable[[], T], is_unwanted: Callable[[], Awaitable[bool]] | None = None) -> T | None:
        """Wait for the turn, and run `do` in the thread.

        Args:
            do: the work.
            is_unwanted: asked when the turn has come; if nobody waits for the work any more it is not done.

        Returns:
            What `do` does, None if it is unwanted.
        """
        async with self._turn:
            if is_unwanted is not None and await is_unwanted():
                return None
            # What runs cannot be stopped: a request that is cancelled must still keep the next one waiting.
            return await _finish(asyncio.get_running_loop().run_in_executor(self._thread, do))

    def close(self) -> None:
        """Wait until the thread has finished what it does; what waits is not begun."""
        self._thread.shutdown(wait=True, cancel_futures=True)


async def _finish(future: asyncio.Future) -> object:
    """Wait for `future` to its end, also where the one who waits is cancelled meanwhile."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise
