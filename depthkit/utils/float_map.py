"""Float32 maps (H, W) on disk, every value unchanged: NumPy, TIFF and OpenEXR files."""

import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image

from depthkit.errors import InputError
from depthkit.utils.io import IMAGE_DESCRIPTION
from depthkit.utils.output_file import atomic_path

FloatFormat = Literal["npy", "tiff", "exr"]


def check_float_format(float_format: str) -> None:
    """Raise `InputError` unless `float_format` is one of `FloatFormat` and its package is installed."""
    if float_format not in get_args(FloatFormat):
        raise InputError(f"float format {float_format!r}: expected one of {', '.join(get_args(FloatFormat))}")
    if float_format == "exr" and importlib.util.find_spec("OpenEXR") is None:
        raise InputError("float format exr: needs the package OpenEXR; run: pip install OpenEXR, or choose npy or tiff")


def write_float_map(path: str | os.PathLike, values: np.ndarray, text: Mapping[str, str], channel: str = "Y") -> None:
    """Write a map (H, W) as float32 in the format of the suffix: ``.npy``, ``.tiff`` or ``.exr``.

    Args:
        path: the file.
        values: any float32, NaN and infinity too, comes back unchanged.
        text: what is known about the values, by name. In TIFF it is the image description, as JSON; in EXR each is an
            attribute of the header; NumPy's files have no place for it.
        channel: the channel's name in EXR, where ``Z`` is the distance from the camera.

    Raises:
        InputError: the format is unknown, its package is missing, or the file cannot be written.
    """
    float_format = Path(path).suffix[1:].lower()
    check_float_format(float_format)
    values = np.ascontiguousarray(values, dtype=np.float32)
    with atomic_path(path) as temporary:
        if float_format == "npy":
            with temporary.open("wb") as stream:
                np.save(stream, values, allow_pickle=False)
        elif float_format == "tiff":
            # Not compressed: as fast as .npy, and every program reads it.
            Image.fromarray(values).save(temporary, tiffinfo={IMAGE_DESCRIPTION: json.dumps(dict(text))})
        else:
            _write_exr(temporary, values, text, channel)


def _write_exr(path: Path, values: np.ndarray, text: Mapping[str, str], channel: str) -> None:
    import OpenEXR

    header = {**text, "compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    try:
        OpenEXR.File(header, {channel: values}).write(str(path))
    except RuntimeError as error:  # also what the operating system reports
        raise OSError(str(error)) from error
