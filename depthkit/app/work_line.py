"""The line of requests: one works, some wait, and the next is told to come back."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
_ASK_EVERY = 0.25  # [s], whether somebody still waits for what runs


class LineFull(Exception):
    """All places are taken."""


class Unwanted(Exception):
    """Nobody waits for the work any more."""


class Ended(Exception):
    """The line takes no more work, and ends what runs."""


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
        self._unwanted, self._ended = threading.Event(), threading.Event()
        self._thread = ThreadPoolExecutor(1, "depthkit-work")

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place within the block.

        Raises:
            LineFull: there is none left.
        """
        self.check_place()
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    def check_place(self) -> None:
        """Raise `LineFull` if there is no place left."""
        if self.taken >= self.places:
            raise LineFull

    def check_wanted(self) -> None:
        """Raise `Unwanted` or `Ended` if so; long work calls this in the thread, between its steps."""
        if self._ended.is_set():
            raise Ended
        if self._unwanted.is_set():
            raise Unwanted

    async def work(self, do: Callable[[], T], is_unwanted: Callable[[], Awaitable[bool]] | None = None) -> T | None:
        """Wait for the turn, and run `do` in the thread.

        Args:
            do: the work.
            is_unwanted: asked when the turn has come, and while it runs; if nobody waits for the work any more it is
                not begun, or ends at its next `check_wanted`.

        Returns:
            What `do` does, None if it is unwanted.

        Raises:
            Ended: see `end`.
        """
        async with self._turn:
            if self._ended.is_set():
                raise Ended
            if is_unwanted is not None and await is_unwanted():
                return None
            self._unwanted.clear()
            watching = asyncio.create_task(self._watch(is_unwanted)) if is_unwanted is not None else None
            try:
                return await self._finish(asyncio.get_running_loop().run_in_executor(self._thread, do))
            except Unwanted:
                return None
            finally:
                if watching is not None:
                    watching.cancel()

    async def _watch(self, is_unwanted: Callable[[], Awaitable[bool]]) -> None:
        while not await is_unwanted():
            await asyncio.sleep(_ASK_EVERY)
        self._unwanted.set()

    async def _finish(self, future: asyncio.Future) -> object:
        """Wait for `future` to its end, also where the one who waits is cancelled meanwhile.

        A thread cannot be stopped from outside: a request that is cancelled must still keep the next one waiting.
        """
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._unwanted.set()
            await asyncio.wait([future])
            raise

    def end(self) -> None:
        """Let what runs end at its next `check_wanted`, and begin nothing more."""
        self._ended.set()

    def close(self) -> None:
        """End, and wait until the thread has finished what it does."""
        self.end()
        self._thread.shutdown(wait=True, cancel_futures=True)
