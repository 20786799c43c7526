"""Open and decode images with Pillow: known formats alone, of a bounded size, in strips."""

import contextlib
import ctypes
import functools
import io
import math
import os
import threading
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from depthkit.errors import InputError
from depthkit.utils.input_files import check_pixels, decoder_errors, decoding

# Of all that Pillow reads. Some others are programs (EPS is run by Ghostscript) or have no pixels of their own.
_FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "PPM", "GIF", "JPEG2000", "AVIF", "HEIF")
_EXPECTED = "PNG, JPEG, TIFF, WebP, BMP, GIF, JPEG 2000, AVIF or HEIC"
# Of these Pillow takes 4 bytes a pixel at most: an image that is reduced may have more, such as 200 megapixels of a
# phone.
_REDUCED_FORMATS = frozenset({"PNG", "JPEG", "MPO", "TIFF", "BMP", "PPM"})
MAX_REDUCED_PIXELS = 400_000_000
# How the box begins that says what an ISO file has in it (ISO/IEC 14496-12), and its words for HEIC and AVIF.
_ISO_FILE = b"ftyp"
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_STRIP = 2**22  # [px], decoded at a time
# From 16 to 8 bits: 65535 / 255.
_SIXTEEN_TO_EIGHT = 257.0
_LIMIT_LOCK = threading.Lock()


@contextlib.contextmanager
def open_image(path: str | os.PathLike, reduced: bool = False) -> Iterator[Image.Image]:
    """Open an image whose pixels are decoded when they are asked for, within the block.

    Args:
        path: the file.
        reduced: it will be decoded with a reduction, so that formats that permit it may have `MAX_REDUCED_PIXELS`.

    Raises:
        InputError: the file is not a regular file, not an image, has more than `MAX_PIXELS`, needs a package that is
            not installed, or (also later in the block) is damaged.
    """
    with decoding(path, "an image"), _opened(path, os.fspath(path), reduced) as image:
        yield image


@contextlib.contextmanager
def open_content(content: bytes, name: str, reduced: bool = False) -> Iterator[Image.Image]:
    """Open an image of which the encoded bytes are at hand, as `open_image` does a file.

    Args:
        content: of the image's file.
        name: of the image, for messages.
        reduced: see `open_image`.

    Raises:
        InputError: see `open_image`.
    """
    if not content:
        raise InputError(f"{name}: is empty; expected an image")
    with decoder_errors(name, "an image"), _opened(io.BytesIO(content), name, reduced) as image:
        yield image


def choose_reduction(size: tuple[int, int], max_pixels: int) -> int:
    """Return by which whole number both sides of an image are divided so that it has `max_pixels`."""
    factor = max(1, math.isqrt(math.prod(size) // max_pixels))
    while math.prod(-(-side // factor) for side in size) > max_pixels and factor < max(size):
        factor += 1
    return factor


def decode_rgb(image: Image.Image, name: str | os.PathLike, upright: bool = True, reduction: int = 1) -> np.ndarray:
    """Convert a Pillow image to uint8 RGB (H, W, 3), white where it is transparent.

    Args:
        image: of any kind.
        name: of the file, for the error.
        upright: turn the image as its EXIF orientation says.
        reduction: both sides are divided by this number, rounded up: a pixel is the mean of a square. JPEG is decoded
            at 1/2, 1/4 or 1/8 where that divides it, which takes a fraction of the time and memory.

    Raises:
        InputError: the image has 32-bit or float values, or no pixels.
    """
    if not min(image.size):
        raise InputError(f"{name}: has {image.width} x {image.height} pixels; expected one at least")
    sixteen_bits = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if not sixteen_bits and image.mode in ("I", "F"):
        raise InputError(f"{name}: holds 32-bit values, whose range is unknown; save it as an 8- or 16-bit image")
    if reduction > 1 and image.format in ("JPEG", "MPO"):
        reduction //= _draft(image, math.gcd(reduction, 8))
    image.load()  # which turns a TIFF upright already
    orientation = image.getexif().get(ExifTags.Base.Orientation) if upright else None
    rgb = np.empty((-(-image.height // reduction), -(-image.width // reduction), 3), np.uint8)
    rows = max(1, _STRIP // (image.width * reduction))  # of the result
    for top in range(0, len(rgb), rows):
        ends = top * reduction, min((top + rows) * reduction, image.height)
        strip = _strip_to_rgb(image.crop((0, ends[0], image.width, ends[1])), sixteen_bits)
        rgb[top : top + rows] = strip if reduction == 1 else _mean_of_squares(strip, reduction)
    return np.ascontiguousarray(_turn(rgb, orientation))


@contextlib.contextmanager
def _opened(file: str | os.PathLike | io.BytesIO, name: str, reduced: bool = False) -> Iterator[Image.Image]:
    try:
        opened = _open(file)
    except UnidentifiedImageError as error:
        brands = _iso_brands(file)
        if not brands & {*_HEIC_BRANDS, *_AVIF_BRANDS}:
            raise InputError(f"{name}: is not an image of a known format; expected {_EXPECTED}") from error
        if brands & {*_AVIF_BRANDS}:
            raise InputError(f"{name}: is damaged, or an AVIF image that this Pillow cannot read; update it") from error
        _read_heic(name)
        opened = _open(file)
    with opened as image:
        most = MAX_REDUCED_PIXELS if reduced and image.format in _REDUCED_FORMATS else None
        check_pixels(image.size, 1, name, most)
        yield image


def _iso_brands(file: str | os.PathLike | io.BytesIO) -> set[bytes]:
    """Return what an ISO file says that it holds; nothing of another file."""
    with contextlib.ExitStack() as stack:
        if isinstance(file, io.BytesIO):
            file.seek(0)
        stream = file if isinstance(file, io.BytesIO) else stack.enter_context(open(file, "rb"))
        box = stream.read(min(int.from_bytes(stream.read(4), "big"), 256))
    return {box[place : place + 4] for place in range(4, len(box), 4)} if box.startswith(_ISO_FILE) else set()


def _read_heic(name: str) -> None:
    """Teach Pillow to read HEIC, whose decoder is a package of its own."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise InputError(
            f"{name}: is a HEIC image, which needs the package pillow-heif; run: pip install 'depthkit[heif]'"
        ) from error
    register_heif_opener()


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


def _draft(image: Image.Image, factor: int) -> int:
    """Let a JPEG be decoded at 1/`factor`, 1 to 8; return the number by which its sides are divided now."""
    before = image.size
    while factor > min(before):
        factor //= 2
    image.draft("RGB", tuple(side // factor for side in before))
    return factor if image.size != before else 1


def _mean_of_squares(rgb: np.ndarray, side: int) -> np.ndarray:
    """Return the mean of each square of pixels of a strip (h, W, 1 or 3); at the ends of what is there."""
    mode = "L" if rgb.shape[2] == 1 else "RGB"
    reduced = np.asarray(Image.fromarray(rgb[..., 0] if mode == "L" else rgb).reduce(side))
    return reduced[..., None] if mode == "L" else reduced


def _turn(rgb: np.ndarray, orientation: int | None) -> np.ndarray:
    """Return a view of `rgb` (H, W, 3), turned upright by a value of EXIF's orientation."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return rgb
