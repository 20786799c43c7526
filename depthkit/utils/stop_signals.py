"""Signals that end a process, as exceptions: what runs may then remove its temporary files."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Of service managers and schedulers, and of a terminal that is closed. Python itself makes SIGINT an exception.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """The process was told to end; like KeyboardInterrupt, it is not for ``except Exception``.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise `Stopped` inside the block at SIGTERM and SIGHUP.

    A signal that is ignored, as under nohup, stays so. Processes that are forked inside, such as the workers of a
    DataLoader, end as without this.
    """
    owner = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise Stopped(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = [number for number, handler in before.items() if handler is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
