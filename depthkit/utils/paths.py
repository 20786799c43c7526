"""Paths as users write them."""

import os
from pathlib import Path


def expand_home(path: str | os.PathLike) -> Path:
    """Return `path` with its first ``~`` or ``~user`` replaced by that home folder.

    A name such as ``~backup.png``, of no user, stays as it is; `Path.expanduser` raises an error for it.
    """
    return Path(os.path.expanduser(path))


def cache_folder() -> Path:
    """Return depthkit's folder of the user's cache, or the one that the variable DEPTHKIT_CACHE names."""
    folder = os.environ.get("DEPTHKIT_CACHE")
    if not folder:
        folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "depthkit")
    return Path(folder).absolute()
