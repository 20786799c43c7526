"""The depth model that comes with depthkit. It imports no torch."""

import hashlib
from pathlib import Path

import depthkit
from depthkit.errors import InputError

PACKAGED_MODEL = "rooms-deit-tiny"
PARAMETERS = 6_211_393
SHA256 = "1b65b16e084df6669654676b7376487774a6d11c700b6440b90746a9db4a6104"  # of its file
GIVES = "metres, indoors"
LICENCE = "Apache-2.0"
LICENCE_NOTE = "learnt from Redwood / ICL-NUIM, CC BY 3.0, and TUM RGB-D, CC BY 4.0, among others: NOTICE names them"
CARD = "docs/models/rooms-deit-tiny.md of the project"
# What its file says of it, and so every result. Another training with the same config says none of this.
PUBLISHED = {
    "model": PACKAGED_MODEL,
    "licence": LICENCE,
    "licence_note": LICENCE_NOTE,
    "trained_on": "generated rooms and 75 freely licensed RGB-D pairs: indoors, 0.3 to 6 m",
}


def find_packaged() -> Path | None:
    """Return the file of the packaged model, None if it is missing; what is in it is not looked at."""
    path = _path()
    return path if path.is_file() else None


def packaged_weights() -> Path:
    """Return the file of the packaged model, which gives metres and needs no network.

    The file carries its config: ``DepthPredictor(packaged_weights())``. Its card is docs/models/rooms-deit-tiny.md.

    Raises:
        InputError: the file is missing from this installation, or is damaged.
    """
    path = find_packaged()
    if path is None:
        raise InputError(
            f"{_path()}: the packaged model is missing; install depthkit again, or give --weights or --model"
        )
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); change its permissions") from error
    if sha256 != SHA256:
        raise InputError(f"{path}: the packaged model is damaged (SHA-256 {sha256[:12]}...); install depthkit again")
    return path


def _path() -> Path:
    return Path(depthkit.__file__).parent / "_weights" / f"{PACKAGED_MODEL}.safetensors"
