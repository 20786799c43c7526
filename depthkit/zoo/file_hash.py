"""The SHA-256 of files, and whether a file is the one that was published. It imports no torch."""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from depthkit.errors import InputError
from depthkit.zoo.zoo_model import ZooModel

_CHUNK = 2**20  # [bytes]


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, and remember it.

    Reading 1.3 GB takes seconds, so a file is read again only after it changed (size or a time of change). What is
    known stands in the folder ``depthkit`` of the user's cache, or in the one that the environment variable
    DEPTHKIT_CACHE names; where that cannot be written, each call reads the file.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        status = path.stat()
        state = {"size": status.st_size, "changed": [status.st_mtime_ns, status.st_ctime_ns]}
        note = _note(path)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            known = json.loads(note.read_text())
            if known["state"] == state:
                return str(known["sha256"])
        sha256 = _read(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); change its permissions") from error
    with contextlib.suppress(OSError, InputError):
        from depthkit.utils.output_file import atomic_path

        note.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(note) as temporary:
            temporary.write_text(json.dumps({"file": str(path), "state": state, "sha256": sha256}))
    return sha256


def is_published(path: Path, model: ZooModel) -> bool | None:
    """Return whether a file is that of `model`, byte for byte; None where the table has no SHA-256 of it.

    A file of another size is not read.

    Raises:
        InputError: the file cannot be read.
    """
    if model.sha256 is None:
        return None
    if model.size is not None and path.stat().st_size != model.size:
        return False
    return hash_file(path) == model.sha256


def _read(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _note(path: Path) -> Path:
    """Return where the hash of the file `path` is remembered."""
    folder = os.environ.get("DEPTHKIT_CACHE")
    if not folder:
        folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "depthkit")
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return Path(folder).absolute() / "sha256" / f"{name[:32]}.json"
