"""Where a training is killed: at one of its writes, or after some time."""

import dataclasses
import os
import signal
import sys
from pathlib import Path

_WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
_TORN = b'PK\x03\x04 {"torn'  # what a file or a line may begin with


@dataclasses.dataclass(frozen=True)
class Kill:
    """One signal to one process.

    Attributes:
        write: number of the write in the work folder at which it comes, counted from 1; None: see `seconds`. It is the
            first process that writes, whichever is killed.
        torn: leave the file that is about to be written with its first bytes only.
        seconds: when it comes, from the start on.
        number: of the signal.
        rank: of the process that gets it.
    """

    write: int | None = None
    torn: bool = False
    seconds: float | None = None
    number: int = signal.SIGKILL
    rank: int = 0


class WriteCounter:
    """Counts what this process writes in a folder, as Python's audit events tell, and kills one at one of them.

    Audit hooks see every `open`, rename and removal before it happens, whoever calls it. The product has no part in
    this.
    """

    def __init__(self, folder: Path, kill: Kill | None, victim: int | None = None) -> None:
        self.folder = str(folder) + os.sep
        self.kill = kill
        self.owner = os.getpid()  # not the workers that are forked later
        self.victim = victim or self.owner
        self.count = 0
        sys.addaudithook(self._see)

    def _see(self, event: str, args: tuple) -> None:
        opened = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if not opened and event not in _WRITES:
            return
        path = args[0]
        if not isinstance(path, (str, Path)) or not str(path).startswith(self.folder) or os.getpid() != self.owner:
            return
        self.count += 1
        kill = self.kill
        if kill is None or kill.write != self.count:
            return
        if opened and kill.torn and self.victim == self.owner:
            with open(path, "ab" if args[2] & os.O_APPEND else "wb") as file:
                file.write(_TORN)
        os.kill(self.victim, kill.number)
