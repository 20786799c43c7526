"""The depth model that comes with depthkit."""

from pathlib import Path

import depthkit
from depthkit.errors import InputError

PACKAGED_MODEL = "rooms-deit-tiny"
PARAMETERS = 6_211_393
GIVES = "metres, indoors"
LICENCE = "Apache-2.0"
LICENCE_NOTE = "learnt from Redwood / ICL-NUIM, CC BY 3.0, and TUM RGB-D, CC BY 4.0, among others: NOTICE names them"
CARD = "docs/models/rooms-deit-tiny.md of the project"


def packaged_weights() -> Path:
    """Return the file of the packaged model, which gives metres and needs no network.

    The file carries its config: ``DepthPredictor(packaged_weights())``. Its card is docs/models/rooms-deit-tiny.md.

    Raises:
        InputError: the file is missing from this installation.
    """
    path = Path(depthkit.__file__).parent / "_weights" / f"{PACKAGED_MODEL}.safetensors"
    if not path.is_file():
        raise InputError(f"{path}: the packaged model is missing; install depthkit again, or give --weights or --model")
    return path
