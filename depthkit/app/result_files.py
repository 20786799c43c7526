"""The files of a result, made when somebody asks for them."""

import io
import tempfile
from typing import BinaryIO, get_args

import numpy as np
from PIL import Image

from depthkit.apis.result import DepthResult
from depthkit.apis.result_files import output_paths
from depthkit.app.answers import FileKind

_SMALL_SIDE = 2048  # [px], the longer side of the image that the page shows
_STEM = "result"


def file_endings(result: DepthResult) -> dict[FileKind, str]:
    """Return which files a result can be had as, and how their names end."""
    kinds = [kind for kind in get_args(FileKind) if kind != "depth" or result.kind == "metric"]
    paths = {kind: output_paths("", _STEM, result.kind, [kind]) for kind in kinds}
    return {kind: next(iter(one.values())).name.removeprefix(f"{_STEM}_") for kind, one in paths.items()}


def open_file(result: DepthResult, kind: FileKind) -> BinaryIO:
    """Make a file of a result by `DepthResult.save`, and open it for reading; its name is gone already.

    Points and mesh are without `flying_pixels`, as the page shows them.

    Raises:
        InputError: it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="depthkit-") as folder:
        saved = result.save(folder, _STEM, outputs=[kind], remove_flying_pixels=True)
        return open(next(iter(saved.paths.values())), "rb")


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
