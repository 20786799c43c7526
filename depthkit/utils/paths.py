"""Paths as users write them."""

import os
from pathlib import Path

from depthkit.errors import InputError


def expand_home(path: str | os.PathLike) -> Path:
    """Return `path` with its first ``~`` or ``~user`` replaced by that home folder.

    A name such as ``~backup.png``, of no user, stays as it is; `Path.expanduser` raises an error for it.

    Raises:
        InputError: no file can have this name, because it is too long or has a null byte, or a folder above it may not
            be read. `Path.exists` and its like raise other errors for these.
    """
    path = Path(os.path.expanduser(path))
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{str(path)[:200]!r}: cannot be used as a path ({reason}); give another one") from error
    return path


def cache_folder() -> Path:
    """Return depthkit's folder of the user's cache, or the one that the variable DEPTHKIT_CACHE names."""
    folder = os.environ.get("DEPTHKIT_CACHE")
    if not folder:
        folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "depthkit")
    return Path(folder).absolute()
