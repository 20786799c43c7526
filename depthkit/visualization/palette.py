"""Fractions as colours."""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib
import numpy as np

from depthkit.utils.png_file import row_blocks

INVALID_COLOR = (60, 60, 60)  # dark grey, which no colormap in use has


@dataclass(frozen=True)
class Painting:
    """A map to be coloured; values beyond an end get the colour of that end, and dark grey is invalid.

    Attributes:
        values: float (H, W).
        find_valid: tells which of some values are valid.
        ends: values of the first and the last colour.
        colormap: matplotlib's name.
    """

    values: np.ndarray
    find_valid: Callable[[np.ndarray], np.ndarray]
    ends: tuple[float, float]
    colormap: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the image that `paint` makes."""
        return (*self.values.shape, 3)


def paint(painting: Painting, out: np.ndarray | None = None) -> np.ndarray:
    """Colour a map as uint8 RGB (H, W, 3), in `out` if it is given, which may be a part of another image."""
    low, high = painting.ends
    palette = (matplotlib.colormaps[painting.colormap](np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8)
    image = np.empty(painting.shape, np.uint8) if out is None else out
    for rows in row_blocks(painting.shape):  # because an image can have two hundred million pixels
        values = painting.values[rows]
        valid = painting.find_valid(values)
        fraction = np.where(valid, values, low)
        fraction -= low
        fraction /= high - low
        np.clip(fraction, 0.0, 1.0, out=fraction)
        fraction *= 255
        image[rows] = palette[np.rint(fraction, out=fraction).astype(np.uint8)]
        image[rows][~valid] = INVALID_COLOR
    return image
