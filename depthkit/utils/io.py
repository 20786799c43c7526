"""Images, depth maps and point clouds on disk: the only place that knows millimetres.

Float maps are written in `float_map`, relative disparities in `disparity_png`.

Depth is float32 metres everywhere inside depthkit, and 0 means "no measurement". Every function raises `InputError`
naming the file if it cannot be read or written. Files are written under a temporary name in the same folder and
renamed when complete, so a partly written file is never seen.
"""

import contextlib
import io
import json
import os
import secrets
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from tokenize import TokenError

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from depthkit.errors import InputError

DEPTH_SUFFIXES = frozenset({".h5", ".npy", ".png", ".tif", ".tiff"})
MILLIMETRES_PER_METRE = 1000.0
MAX_UINT16 = 65535

# What the decoders of Pillow, numpy and HDF5 raise on damaged or crafted files, besides OSError.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, RuntimeError, MemoryError,
    TokenError, struct.error, Image.DecompressionBombError,
)  # fmt: skip
IMAGE_DESCRIPTION = 270  # a tag of TIFF
# From 16 to 8 bits: 65535 / 255.
_SIXTEEN_TO_EIGHT = 257.0


def read_rgb(path: str | os.PathLike, min_size: int | None = None, upright: bool = True) -> np.ndarray:
    """Read an image as uint8 RGB (H, W, 3).

    Grey, palette, CMYK and 16-bit images are converted; transparent areas become white, as in most viewers. Of a file
    with several frames the first is read.

    Args:
        path: the file.
        min_size: decode a JPEG at 1/2, 1/4 or 1/8 if its shorter side stays at least this long [px], which takes a
            fraction of the time.
        upright: turn the image as its EXIF orientation says.

    Raises:
        InputError: the file is not an image, is damaged, or has values without a known range (float or 32-bit).
    """
    with _decoding(path, "an image"), Image.open(path) as image:
        if min_size is not None:
            # Pillow keeps both sides at least this long; other formats are not affected.
            image.draft("RGB", (min_size, min_size))
        return pil_to_rgb(image, path, upright)


def decode_rgb(content: bytes, name: str | os.PathLike) -> np.ndarray:
    """Decode the `content` of an image file as `read_rgb` does; `name` is for the error.

    Raises:
        InputError: as `read_rgb`.
    """
    with _decoding(name, "an image"), Image.open(io.BytesIO(content)) as image:
        return pil_to_rgb(image, name)


def pil_to_rgb(image: Image.Image, name: str | os.PathLike, upright: bool = True) -> np.ndarray:
    """Convert a Pillow image to uint8 RGB (H, W, 3) as `read_rgb` does; `name` is for the error.

    Raises:
        InputError: the image has 32-bit or float values.
    """
    file_format = image.format
    if upright:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or (image.mode == "I" and file_format in ("PNG", "PPM")):
        grey = np.rint(np.asarray(image).astype(np.float32) / _SIXTEEN_TO_EIGHT)
        image = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise InputError(f"{name}: holds 32-bit values, whose range is unknown; save it as an 8- or 16-bit image")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def read_image(path: str | os.PathLike) -> tuple[np.ndarray, dict[str, str]]:
    """Read an image's values as they are stored, (H, W[, channels]), and the texts beside them.

    Raises:
        InputError: the file is not an image or is damaged.
    """
    with _decoding(path, "an image"), Image.open(path) as image:
        stored, text = np.array(image), image.info
        if image.format == "TIFF":
            try:
                text = json.loads(image.tag_v2.get(IMAGE_DESCRIPTION, ""))
            except ValueError:  # somebody else's description
                text = {}
    return stored, {k: v for k, v in text.items() if isinstance(v, str)} if isinstance(text, dict) else {}


def read_depth(path: str | os.PathLike, scale: float | None = None) -> np.ndarray:
    """Read a depth map as float32 (H, W) [m], 0 where nothing was measured.

    Args:
        path: a 16-bit PNG or TIFF (or a float TIFF), a `.npy` array (H, W), or a `.h5` file with a dataset `depth`.
        scale: file units per metre; None: 1 (metres) for `.npy`, `.h5` and the float TIFF that depthkit writes, 1000
            (millimetres) for other images.

    Raises:
        InputError: the file cannot be read, is an 8-bit or colour image, holds relative disparities, or has negative
            or non-finite depth.
    """
    path = Path(path)
    if scale is not None and not (np.isfinite(scale) and scale > 0):
        raise InputError(f"depth scale {scale}: expected a positive number of file units per metre, such as 1000")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        stored, default_scale = _load_npy(path), 1.0
    elif suffix == ".h5":
        stored, default_scale = _load_h5_depth(path), 1.0
    elif suffix in DEPTH_SUFFIXES:
        stored, default_scale = _load_depth_image(path)
    else:
        known = ", ".join(sorted(DEPTH_SUFFIXES))
        raise InputError(f"{path}: '{suffix}' is not a known depth format; expected one of {known}")
    depth = check_depth(stored, path)
    return depth / np.float32(default_scale if scale is None else scale)


def check_depth(depth: np.ndarray, name: str | os.PathLike) -> np.ndarray:
    """Return a depth map (H, W) as float32; raise `InputError` if it is negative or not finite."""
    if depth.ndim != 2 or depth.size == 0:
        raise InputError(f"{name}: the depth has shape {depth.shape}; expected (height, width)")
    if not (np.issubdtype(depth.dtype, np.floating) or np.issubdtype(depth.dtype, np.integer)):
        raise InputError(f"{name}: the depth is of type {depth.dtype}; expected numbers")
    depth = depth.astype(np.float32)
    if not np.isfinite(depth).all():
        bad = int(depth.size - np.isfinite(depth).sum())
        raise InputError(f"{name}: {bad} depth values are NaN or infinite; write 0 where nothing was measured")
    if depth.min() < 0:
        raise InputError(f"{name}: depth goes down to {depth.min():g}; write 0 where nothing was measured")
    return depth


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path (same folder and suffix) that becomes `path` if the block ends without error.

    On any error the temporary file is removed and an older file at `path` stays.

    Raises:
        InputError: an `OSError` inside the block: no space left, a read-only or missing folder.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise InputError(
                f"{path}: cannot be written ({error.strerror or error}); free some space or choose an output "
                "folder that exists and can be written to"
            ) from error
        raise


def write_rgb(path: str | os.PathLike, image: np.ndarray, text: Mapping[str, str] | None = None) -> None:
    """Write a uint8 RGB image (H, W, 3) in the format of the suffix; PNG is lossless, JPEG has quality 95.

    `text` goes into the text chunks of a PNG.
    """
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, compress_level=3, quality=95, pnginfo=png_text(text or {}))


def png_text(text: Mapping[str, str]) -> PngInfo:
    """Return `text` as text chunks of a PNG, for Pillow."""
    chunks = PngInfo()
    for key, value in text.items():
        chunks.add_text(key, value)
    return chunks


def write_depth_png(path: str | os.PathLike, depth: np.ndarray, text: Mapping[str, str] | None = None) -> int:
    """Write depth (H, W) [m] as a 16-bit PNG in millimetres, with `text` and its unit in text chunks.

    Pixels beyond 65.535 m, also infinity, become 65535; NaN and negative ones become 0, no measurement.

    Returns:
        How many pixels are beyond 65.535 m.
    """
    millimetres = np.array(depth, dtype=np.float64)  # one copy, changed in place: maps can be large
    millimetres *= MILLIMETRES_PER_METRE
    np.rint(millimetres, out=millimetres)
    saturated = int((millimetres > MAX_UINT16).sum())
    np.nan_to_num(millimetres, copy=False, nan=0.0, posinf=MAX_UINT16)
    np.clip(millimetres, 0, MAX_UINT16, out=millimetres)
    chunks = png_text({**(text or {}), "unit": "mm"})
    with atomic_path(path) as temporary:
        Image.fromarray(millimetres.astype(np.uint16)).save(temporary, format="PNG", compress_level=3, pnginfo=chunks)
    return saturated


def write_point_cloud_ply(
    path: str | os.PathLike, points: np.ndarray, colors: np.ndarray, text: Mapping[str, str] | None = None
) -> None:
    """Write points (N, 3) with uint8 RGB colours (N, 3) as a binary little-endian PLY file.

    `text` goes into the header's comments.

    Raises:
        InputError: the shapes are others, or the file cannot be written.
    """
    points, colors = np.asarray(points), np.asarray(colors)
    if points.ndim != 2 or points.shape[1] != 3 or points.shape != colors.shape:
        raise InputError(f"{path}: points {points.shape} and colours {colors.shape}; expected (N, 3) for both")
    vertices = np.empty(len(points), dtype=[("xyz", "<f4", 3), ("rgb", "u1", 3)])
    vertices["xyz"], vertices["rgb"] = points, colors
    header = ["ply", "format binary_little_endian 1.0"]
    header += [f"comment {key}: {' '.join(value.split())}" for key, value in (text or {}).items()]
    header += [f"element vertex {len(points)}"]
    header += [f"property float {axis}" for axis in "xyz"]
    header += [f"property uchar {channel}" for channel in ("red", "green", "blue")]
    with atomic_path(path) as temporary:
        temporary.write_bytes("\n".join([*header, "end_header", ""]).encode("ascii", "replace") + vertices.tobytes())


@contextlib.contextmanager
def _decoding(path: str | os.PathLike, expected: str) -> Iterator[None]:
    """Turn whatever a decoder raises inside into an `InputError` about the file at `path`."""
    try:
        yield
    except InputError:
        raise
    except _DECODER_ERRORS as error:
        raise _unreadable(path, expected, error) from error


def _load_depth_image(path: Path) -> tuple[np.ndarray, float]:
    """Return what an image stores (H, W), and how many of its units are one metre."""
    stored, text = read_image(path)
    if stored.ndim != 2 or stored.dtype.itemsize < 2:
        raise InputError(
            f"{path}: is an 8-bit or colour image; expected depth as a 16-bit grey image in millimetres, or in the "
            "units that depth_scale gives"
        )
    if text.get("kind") == "relative":
        raise InputError(
            f"{path}: holds relative disparities, whose scale is unknown; expected depth, align them with known "
            "distances first (DepthResult.align)"
        )
    return stored, 1.0 if text.get("unit") == "m" else MILLIMETRES_PER_METRE


def _load_npy(path: Path) -> np.ndarray:
    with _decoding(path, "a depth array"):
        return np.load(path, allow_pickle=False)


def _load_h5_depth(path: Path) -> np.ndarray:
    import h5py

    with _decoding(path, "an HDF5 file with a dataset 'depth'"), h5py.File(path, "r") as file:
        return file["depth"][()]


def _unreadable(path: str | os.PathLike, expected: str, error: Exception) -> InputError:
    """Make the error for a file that cannot be read: what is wrong with it, and what was expected."""
    path = Path(path)
    if not path.exists():
        return InputError(f"{path}: no such file; expected {expected}")
    if path.is_dir():
        return InputError(f"{path}: is a folder; expected {expected}")
    if isinstance(error, PermissionError):
        return InputError(f"{path}: cannot be read; change its permissions")
    if path.is_file() and path.stat().st_size == 0:
        return InputError(f"{path}: is empty; expected {expected}")
    if isinstance(error, UnidentifiedImageError):
        return InputError(f"{path}: is not an image of a known format; expected PNG, JPEG, TIFF, WebP or BMP")
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path}: is damaged ({reason}); expected {expected}, get or write it again")
