"""The files of a result, made when somebody asks for them."""

import io
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from depthkit.apis.result import DepthResult
from depthkit.app.answers import FileKind

_SMALL_SIDE = 2048  # [px], the longer side of the image that the page shows
MEDIA_TYPES = {".png": "image/png", ".npy": "application/octet-stream", ".ply": "application/octet-stream"}


def file_kinds(result: DepthResult) -> list[FileKind]:
    """Return which files a result can be had as."""
    quantity = "depth" if result.kind == "metric" else "disparity"
    return ["colored.png", f"{quantity}.png", f"{quantity}.npy", "side_by_side.png", "points.ply"]


def open_file(result: DepthResult, kind: FileKind) -> BinaryIO:
    """Make a file of a result by `DepthResult.save`, and open it for reading; its name is gone already.

    Raises:
        InputError: it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="depthkit-") as folder:
        result.save(folder, "result", side_by_side=kind == "side_by_side.png", point_cloud=kind == "points.ply")
        return open(Path(folder, f"result_{kind}"), "rb")


def small_image(result: DepthResult) -> bytes:
    """Return the image as a JPEG of at most 2048 px."""
    image = Image.fromarray(result.image)
    image.thumbnail((_SMALL_SIDE, _SMALL_SIDE), reducing_gap=2.0)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def value_bytes(result: DepthResult) -> memoryview:
    """Return the values as float32, little-endian, row by row."""
    return memoryview(np.ascontiguousarray(result.values, "<f4")).cast("B")
