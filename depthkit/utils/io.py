"""Images, depth maps and point clouds on disk: the only place that knows millimetres.

Float maps are written in `float_map`, relative disparities in `disparity_png`.

Depth is float32 metres everywhere inside depthkit, and 0 means "no measurement". Every function raises `InputError`
naming the file if it cannot be read or written. Files are written under a temporary name in the same folder and
renamed when complete, so a partly written file is never seen.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from depthkit.errors import InputError
from depthkit.utils.image_decoding import decode_rgb, open_image
from depthkit.utils.input_files import check_pixels, decoding
from depthkit.utils.output_file import atomic_path
from depthkit.utils.png_file import row_blocks, write_png

DEPTH_SUFFIXES = frozenset({".h5", ".npy", ".png", ".tif", ".tiff"})
MILLIMETRES_PER_METRE = 1000.0
MAX_UINT16 = 65535

IMAGE_DESCRIPTION = 270  # a tag of TIFF


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
        InputError: the file is not an image, is damaged, has values without a known range (float or 32-bit), or more
            than `MAX_PIXELS`.
    """
    with open_image(path) as image:
        if min_size is not None:
            # Pillow keeps both sides at least this long; other formats are not affected.
            image.draft("RGB", (min_size, min_size))
        return decode_rgb(image, path, upright)


def read_image(path: str | os.PathLike) -> tuple[np.ndarray, dict[str, str]]:
    """Read an image's values as they are stored, (H, W[, channels]), and the texts beside them.

    Raises:
        InputError: the file is not an image or is damaged.
    """
    with open_image(path) as image:
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
    scale = default_scale if scale is None else scale
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        depth /= np.float32(scale)
    if not np.isfinite(depth).all():
        raise InputError(
            f"{path}: depth_scale={scale:g} gives depth that is not finite; give the file's units per metre"
        )
    return depth


def check_depth(depth: np.ndarray, name: str | os.PathLike) -> np.ndarray:
    """Return a depth map (H, W) as float32; raise `InputError` if it is negative or not finite."""
    _check_numbers(depth.shape, depth.dtype, name)
    with np.errstate(over="ignore"):
        depth = depth.astype(np.float32, copy=False)
    if not np.isfinite(depth).all():
        bad = int(depth.size - np.isfinite(depth).sum())
        raise InputError(f"{name}: {bad} depth values are NaN or infinite; write 0 where nothing was measured")
    if depth.min() < 0:
        raise InputError(f"{name}: depth goes down to {depth.min():g}; write 0 where nothing was measured")
    return depth


def write_rgb(path: str | os.PathLike, image: np.ndarray, text: Mapping[str, str] | None = None) -> None:
    """Write a uint8 RGB image (H, W, 3) in the format of the suffix; PNG is lossless, JPEG has quality 95.

    `text` goes into the text chunks of a PNG.
    """
    if Path(path).suffix.lower() == ".png":
        write_png(path, image.shape, (image[rows] for rows in row_blocks(image.shape)), text or {})
        return
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, quality=95)


def write_depth_png(path: str | os.PathLike, depth: np.ndarray, text: Mapping[str, str] | None = None) -> int:
    """Write depth (H, W) [m] as a 16-bit PNG in millimetres, with `text` and its unit in text chunks.

    Pixels beyond 65.535 m, also infinity, become 65535; NaN and negative ones become 0, no measurement.

    Returns:
        How many pixels are beyond 65.535 m.
    """
    depth, saturated = np.asarray(depth), 0

    def millimetres() -> Iterator[np.ndarray]:
        nonlocal saturated
        for rows in row_blocks(depth.shape):
            values = np.rint(depth[rows].astype(np.float64) * MILLIMETRES_PER_METRE)
            saturated += int((values > MAX_UINT16).sum())
            np.nan_to_num(values, copy=False, nan=0.0, posinf=MAX_UINT16)
            yield np.clip(values, 0, MAX_UINT16).astype(np.uint16)

    write_png(path, depth.shape, millimetres(), {**(text or {}), "unit": "mm"})
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


def _check_numbers(shape: tuple[int, ...], dtype: np.dtype, name: str | os.PathLike) -> None:
    """Check the shape and the type of a depth map."""
    if len(shape) != 2 or not min(shape):
        raise InputError(f"{name}: the depth has shape {shape}; expected (height, width)")
    if dtype.kind not in "iuf":
        raise InputError(f"{name}: the depth is of type {dtype}; expected numbers")


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
    with decoding(path, "a depth array"), path.open("rb") as file:
        if file.read(2) == b"PK":
            raise InputError(f"{path}: is an archive of arrays (.npz); expected one array, written by numpy.save")
        file.seek(0)
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise InputError(f"{path}: is of version {version} of NumPy's format; write it by numpy.save")
        shape, _, dtype = read_header[version](file)
        _check_numbers(shape, dtype, path)
        check_pixels(shape, dtype.itemsize, path)
        file.seek(0)
        return np.load(file, allow_pickle=False)


def _load_h5_depth(path: Path) -> np.ndarray:
    from depthkit.utils.hdf5 import find_dataset, open_hdf5, read_map

    with open_hdf5(path, "an HDF5 file with a dataset 'depth'") as file:
        return read_map(find_dataset(file, "depth", path), path)
