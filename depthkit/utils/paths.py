"""Paths as users write them."""

import os
from pathlib import Path


def expand_home(path: str | os.PathLike) -> Path:
    """Return `path` with its first ``~`` or ``~user`` replaced by that home folder.

    A name such as ``~backup.png``, of no user, stays as it is; `Path.expanduser` raises an error for it.
    """
    return Path(os.path.expanduser(path))
