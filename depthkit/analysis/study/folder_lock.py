"""One queue at a time in a folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from depthkit.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextlib.contextmanager
def only_queue(folder: Path) -> Iterator[None]:
    """Let no other process train in `folder` within the block: two would remove each other's checkpoints.

    The system releases the lock of a process that ends, in whatever way. Where there are no locks (Windows, some
    network disks), nothing is held.

    Raises:
        InputError: another process does so now, or the folder cannot be written to.
    """
    try:
        file = (folder / ".lock").open("a")
    except OSError as error:
        raise InputError(f"{folder / '.lock'}: cannot be written ({error.strerror}); use another folder") from error
    with file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{folder}: another process works on this study; wait for it, or see with --runs 0 what is finished"
            ) from error
        except OSError:  # a disk without locks
            pass
        yield
