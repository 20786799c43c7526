"""Open and decode images with Pillow: known formats alone, of a bounded size, in strips."""

import contextlib
import ctypes
import functools
import io
import os
import threading
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from depthkit.errors import InputError
from depthkit.utils.input_files import check_pixels, decoding

# Of all that Pillow reads. Some others are programs (EPS is run by Ghostscript) or have no pixels of their own.
_FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "PPM", "GIF", "JPEG2000", "AVIF")
_STRIP = 2**22  # [px], decoded at a time
# From 16 to 8 bits: 65535 / 255.
_SIXTEEN_TO_EIGHT = 257.0
_LIMIT_LOCK = threading.Lock()


@contextlib.contextmanager
def open_image(path: str | os.PathLike, content: bytes | None = None, part: str = "") -> Iterator[Image.Image]:
    """Open an image whose pixels are decoded when they are asked for, within the block.

    Args:
        path: the file.
        content: of the image, if it is a part of the file.
        part: the name of that part, for messages: "/0001.jpg".

    Raises:
        InputError: the file is not a regular file, not an image, has more than `MAX_PIXELS`, or (also later in the
            block) is damaged.
    """
    name = f"{path}{part}"
    with decoding(path, "an image", part):
        try:
            opened = _open(path if content is None else io.BytesIO(content))
        except UnidentifiedImageError as error:
            raise InputError(
                f"{name}: is not an image of a known format; expected PNG, JPEG, TIFF, WebP or BMP"
            ) from error
        with opened as image:
            check_pixels(image.size, 1, name)
            yield image


def decode_rgb(image: Image.Image, name: str | os.PathLike, upright: bool = True) -> np.ndarray:
    """Convert a Pillow image to uint8 RGB (H, W, 3), white where it is transparent.

    Args:
        image: of any kind.
        name: of the file, for the error.
        upright: turn the image as its EXIF orientation says.

    Raises:
        InputError: the image has 32-bit or float values, or no pixels.
    """
    if not min(image.size):
        raise InputError(f"{name}: has {image.width} x {image.height} pixels; expected one at least")
    sixteen_bits = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if not sixteen_bits and image.mode in ("I", "F"):
        raise InputError(f"{name}: holds 32-bit values, whose range is unknown; save it as an 8- or 16-bit image")
    image.load()  # which turns a TIFF upright already
    orientation = image.getexif().get(ExifTags.Base.Orientation) if upright else None
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        rgb[top : top + rows] = _strip_to_rgb(strip, sixteen_bits)
    return np.ascontiguousarray(_turn(rgb, orientation))


def _open(file: str | os.PathLike | io.BytesIO) -> Image.Image:
    # Pillow warns of an image of 89 megapixels and refuses one of 179; `check_pixels` has our limit.
    Image.init()
    _silence_libtiff()
    with _LIMIT_LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=[name for name in _FORMATS if name in Image.OPEN])
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@functools.cache
def _silence_libtiff() -> None:
    """Keep Pillow's libtiff from printing on stderr what Pillow raises anyway."""
    with contextlib.suppress(OSError, AttributeError):  # a Pillow without it, or that hides its symbols
        ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


def _strip_to_rgb(strip: Image.Image, sixteen_bits: bool) -> np.ndarray:
    if sixteen_bits:
        grey = np.rint(np.asarray(strip).astype(np.float32) / _SIXTEEN_TO_EIGHT)
        return np.clip(grey, 0, 255).astype(np.uint8)[..., None]
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
    return np.asarray(strip.convert("RGB"))


def _turn(rgb: np.ndarray, orientation: int | None) -> np.ndarray:
    """Return a view of `rgb` (H, W, 3), turned upright by a value of EXIF's orientation."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return rgb
