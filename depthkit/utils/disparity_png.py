"""Relative disparities as a 16-bit PNG that can be turned back: their range stands in its text chunks."""

import os
from collections.abc import Iterator, Mapping

import numpy as np

from depthkit.errors import InputError
from depthkit.utils.io import MAX_UINT16, read_image
from depthkit.utils.png_file import row_blocks, write_png

_ENCODING = f"disparity = min + (stored - 1) / {MAX_UINT16 - 1} * (max - min); 0 = no value"


def write_disparity_png(path: str | os.PathLike, disparity: np.ndarray, text: Mapping[str, str]) -> None:
    """Write disparities (H, W) as a 16-bit PNG, from the smallest to the largest.

    The smallest is stored as 1, the largest as 65535, no value as 0. The text chunks hold `text` and, of the
    encoding, ``min``, ``max``, ``unit`` and the formula.

    Args:
        path: the file.
        disparity: what is not finite has no value.
        text: what is known about the disparities, by name.

    Raises:
        InputError: the file cannot be written.
    """
    valid = np.isfinite(disparity)
    low = float(np.min(disparity, initial=np.inf, where=valid)) if valid.any() else 0.0
    high = float(np.max(disparity, initial=-np.inf, where=valid)) if valid.any() else 0.0

    def stored() -> Iterator[np.ndarray]:
        for rows in row_blocks(disparity.shape):
            known, block = valid[rows], np.zeros(disparity[rows].shape, np.uint16)
            fraction = (disparity[rows][known].astype(np.float64) - low) / ((high - low) or 1.0)
            block[known] = np.rint(fraction * (MAX_UINT16 - 1)) + 1
            yield block

    encoding = {"min": repr(low), "max": repr(high), "unit": "none", "encoding": _ENCODING}
    write_png(path, disparity.shape, stored(), {**text, **encoding})


def read_disparity_png(path: str | os.PathLike) -> tuple[np.ndarray, dict[str, str]]:
    """Read what `write_disparity_png` wrote.

    Returns:
        Disparity, float32 (H, W), NaN where there is no value, to (max - min) / 131068; and the text by name.

    Raises:
        InputError: the file cannot be read, is not a 16-bit PNG, or does not hold its range.
    """
    stored, text = read_image(path)
    try:
        low, high = float(text["min"]), float(text["max"])
    except (KeyError, ValueError):
        low = high = np.nan
    sixteen_bits = stored.ndim == 2 and stored.dtype.kind in "iu" and stored.dtype.itemsize > 1
    if not sixteen_bits or not (np.isfinite([low, high]).all() and low <= high):
        raise InputError(
            f"{path}: is not a 16-bit PNG of disparities with its range in the text chunks min and max; give a "
            "NAME_disparity.png that depthkit wrote, not changed by another program"
        )
    disparity = low + (stored.astype(np.float64) - 1) / (MAX_UINT16 - 1) * (high - low)
    return np.where(stored == 0, np.nan, disparity).astype(np.float32), text
