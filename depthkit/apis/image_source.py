"""What a predictor is called with, from a path to a tensor, as one kind of image."""

import os
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from depthkit.apis.focal import FocalRequest, exif_focal_length
from depthkit.errors import InputError
from depthkit.utils import input_files
from depthkit.utils.image_arrays import array_to_rgb, tensor_to_rgb
from depthkit.utils.image_decoding import choose_reduction, decode_rgb, open_content, open_image
from depthkit.utils.input_files import check_pixels, decoder_errors
from depthkit.utils.url_files import fetch, file_url_path, url_scheme


class SourceImage(NamedTuple):
    """An image, whatever it came from.

    Attributes:
        rgb: uint8 (H, W, 3), upright.
        focal: focal length [px] of its EXIF; None where that has none.
        name: for messages: its path or address.
        reduction: both sides were divided by this number when the image was decoded.
    """

    rgb: np.ndarray
    focal: float | None
    name: str
    reduction: int = 1

    def scale_focal(self, focal: FocalRequest) -> FocalRequest:
        """Return a focal length [px] that is of the file's size at that of `rgb`; another request as it is."""
        return focal / self.reduction if isinstance(focal, float) else focal


ImageSource = str | os.PathLike | bytes | bytearray | memoryview | Image.Image | np.ndarray | torch.Tensor | SourceImage


def read_source(source: ImageSource, name: str = "image", max_pixels: int | None = None) -> SourceImage:
    """Read an image from where it is.

    A file's image of more than `max_pixels` is decoded with a reduction (`choose_reduction`), if its format permits it;
    its focal length is then that of the smaller image.

    Args:
        source: a path; an http, https or ``file://`` address; the bytes of an image file; a PIL image; an array or a
            tensor (`array_to_rgb`, `tensor_to_rgb`). All but the last two are turned upright by their EXIF orientation.
            What this returned before is returned again.
        name: what to call it in messages, if it has no name of its own.
        max_pixels: of files, addresses and bytes; None: `MAX_PIXELS`. What is decoded already may have `MAX_PIXELS`.

    Raises:
        InputError: it cannot be read, or is something else.
    """
    if isinstance(source, SourceImage):
        return source
    if isinstance(source, str) and (scheme := url_scheme(source)) is not None:
        if scheme != "file":
            return read_source(fetch(source, "an image"), source, max_pixels)
        source = file_url_path(source)
    if isinstance(source, str) and not source:
        raise InputError(f"{name}: is an empty text; expected the path of an image")
    if isinstance(source, (str, os.PathLike)):
        with open_image(source, reduced=True) as image:
            return _decode(image, os.fspath(source), max_pixels)
    if isinstance(source, (bytes, bytearray, memoryview)):
        with open_content(bytes(source), name, reduced=True) as image:
            return _decode(image, name, max_pixels)
    if isinstance(source, Image.Image):
        name = getattr(source, "filename", "") or name
        check_pixels(source.size, 1, name)
        with decoder_errors(name, "an image"):
            return _to_source(source, name, 1)
    if isinstance(source, np.ndarray):
        return SourceImage(_unshared(array_to_rgb(source, name), source), None, name)
    if isinstance(source, torch.Tensor):
        return SourceImage(tensor_to_rgb(source.clone(), name), None, name)
    raise InputError(
        f"{name}: is of type {type(source).__name__}; expected a path, an address, the bytes of an image file, a PIL "
        "image, an array, a tensor, or a list of these"
    )


def _unshared(rgb: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Return an array that nobody else changes: with a camera, callers use one for all frames."""
    return rgb.copy() if np.may_share_memory(rgb, source) else rgb


def _decode(image: Image.Image, name: str, max_pixels: int | None) -> SourceImage:
    most = input_files.MAX_PIXELS if max_pixels is None else max_pixels
    return _to_source(image, name, choose_reduction(image.size, most))


def _to_source(image: Image.Image, name: str, reduction: int) -> SourceImage:
    rgb = decode_rgb(image, name, reduction=reduction)  # first, because it has the errors
    focal = exif_focal_length(image)
    if focal is not None and reduction > 1:  # Pillow may have reduced a JPEG already
        focal *= max(rgb.shape) / max(image.size)
    return SourceImage(rgb, focal, name, reduction)
