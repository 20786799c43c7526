"""The SHA-256 of files, and whether a file is the one that was published. It imports no torch."""

import hashlib
from pathlib import Path

from depthkit.zoo.zoo_model import ZooModel

_CHUNK = 2**20  # [bytes]


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_published(path: Path, model: ZooModel) -> bool | None:
    """Return whether a file is that of `model`, byte for byte; None where the table has no SHA-256 of it.

    A file of another size is not read: 1.3 GB take seconds.
    """
    if model.sha256 is None:
        return None
    if model.size is not None and path.stat().st_size != model.size:
        return False
    return hash_file(path) == model.sha256
