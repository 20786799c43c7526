"""Signals that end a process, as exceptions: what runs may then remove its temporary files."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from depthkit.errors import InputError

# Of service managers and schedulers, and of a terminal that is closed. Python itself makes SIGINT an exception.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_SECONDS_TO_REPEAT = 0.05  # long enough to leave what could not pass the signal on


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

    Python drops an exception that is raised in a finaliser or in the callback of a weak reference; a signal, SIGINT
    too, that comes there is sent again, unless the block has ended by then.
    """
    owner = os.getpid()
    report_dropped = sys.unraisablehook
    sent_again: list[threading.Timer] = []

    def send_again(dropped: "sys.UnraisableHookArgs") -> None:
        if isinstance(dropped.exc_value, (KeyboardInterrupt, Stopped)) and os.getpid() == owner:
            number = getattr(dropped.exc_value, "number", signal.SIGINT)
            again = threading.Timer(_SECONDS_TO_REPEAT, os.kill, (owner, number))
            again.daemon = True
            sent_again.append(again)
            again.start()
        else:
            report_dropped(dropped)

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise Stopped(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = [number for number, handler in before.items() if handler is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    sys.unraisablehook = send_again
    try:
        yield
    finally:
        for again in sent_again:  # after the block nothing would make an exception of it
            again.cancel()
        sys.unraisablehook = report_dropped
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def stop_behind(error: BaseException | None) -> KeyboardInterrupt | Stopped | None:
    """Return the signal behind `error`: libraries catch all with a bare ``except:`` and raise their own.

    An `InputError` is ours: it may tell that a config raises KeyboardInterrupt.
    """
    while error is not None and not isinstance(error, (KeyboardInterrupt, Stopped)):
        error = None if isinstance(error, InputError) else error.__cause__ or error.__context__
    return error
