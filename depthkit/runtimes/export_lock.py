"""One process at a time: while one makes a file, others that need the same one wait for it."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_MOST_SECONDS = 600.0  # that a process waits; exporting takes 10 to 60 s, on a busy machine more
_PAUSE = 0.1  # [s]
_TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


@contextlib.contextmanager
def one_process(path: Path) -> Iterator[None]:
    """Let one process at a time be within the block; the others wait, and say so.

    The system releases the lock of a process that ends, in whatever way. After 10 minutes of waiting, and where the
    system or the file system has no locks, the block runs all the same, and stderr says so.

    Args:
        path: of the lock's file, which is made and removed.

    Raises:
        OSError: the file cannot be made.
    """
    lock = _wait_for(path)
    try:
        yield
    finally:
        if lock is not None:
            _remove(path)  # before it is released: who waits for this file then sees that it is gone
            lock.close()


def _wait_for(path: Path) -> IO | None:
    """Return the file at `path` with the lock on it; None if it cannot be had."""
    end, has_said = time.monotonic() + _MOST_SECONDS, False
    while True:
        file = _open(path)
        if file is None:
            _say(f"{path}: is another user's and cannot be read: processes that start together each export")
            return None
        try:
            is_held = _try_to_hold(file) and _is_still_there(file, path)
        except OSError as error:
            file.close()
            _remove(path)
            _say(f"there are no locks in {path.parent} ({error.strerror}): processes that start together each export")
            return None
        if is_held:
            return file
        file.close()
        if time.monotonic() > end:
            _say(f"another process has been exporting this model for {_MOST_SECONDS:g} s; it is exported here, too")
            return None
        if not has_said:
            _say("another process is exporting this model; waiting for its graph")
            has_said = True
        time.sleep(_PAUSE)


def _open(path: Path) -> IO | None:
    """Open a file, made with its folder if it is missing; None if another user's cannot be read.

    Raises:
        OSError: it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)  # it may be deleted while others wait
    try:
        return path.open("a")  # NFS locks only files that are open for writing
    except PermissionError:
        if not path.exists():
            raise
    try:
        return path.open()
    except OSError:
        return None


def _remove(path: Path) -> None:
    """Remove a file; in a folder where each user removes only his own it stays, which does no harm."""
    with contextlib.suppress(OSError):
        path.unlink()


def _try_to_hold(file: IO) -> bool:
    """Lock a file if nobody else has done so; raise OSError where files cannot be locked."""
    if fcntl is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _is_still_there(file: IO, path: Path) -> bool:
    """Whether an open file is the one at `path`, and not one that its owner has removed."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _say(what: str) -> None:
    print(f"note: {what}", file=sys.stderr)
