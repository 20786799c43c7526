"""Fractions as colours."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib
import numpy as np

from depthkit.errors import InputError
from depthkit.utils.png_file import row_blocks

INVALID_COLOR = (60, 60, 60)  # dark grey, which none of our own colormaps has
_OTHER_INVALID_COLORS = ((255, 255, 255), (255, 0, 255))  # for a colormap with that grey, and for one with white too
_DISTINCT = 30  # of the sum of the differences of red, green and blue
_EXAMPLES = "turbo_r, viridis, cividis, magma, inferno, plasma, gray"


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


def check_colormap(name: str) -> str:
    """Return `name`; raise `InputError` unless matplotlib has a colormap of this name."""
    if name not in matplotlib.colormaps:
        near = difflib.get_close_matches(name, list(matplotlib.colormaps), n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of them, such as {_EXAMPLES}"
        raise InputError(f"colormap {name!r}: is not a name of matplotlib's; {hint}")
    return name


def reversed_colormap(name: str) -> str:
    """Return the name of the colormap that has the colours of `name` in the opposite order."""
    return name.removesuffix("_r") if name.endswith("_r") else f"{name}_r"


def invalid_color(colormap: str) -> tuple[int, int, int]:
    """Return the colour of invalid pixels, RGB: `INVALID_COLOR` unless the colormap has that grey."""
    palette = _palette(colormap).astype(int)
    candidates = (INVALID_COLOR, *_OTHER_INVALID_COLORS)
    return next((c for c in candidates if np.abs(palette - c).sum(axis=1).min() > _DISTINCT), candidates[-1])


def paint(painting: Painting, out: np.ndarray | None = None) -> np.ndarray:
    """Colour a map as uint8 RGB (H, W, 3), in `out` if it is given, which may be a part of another image.

    Raises:
        InputError: there is no such colormap.
    """
    low, high = painting.ends
    palette, invalid = _palette(check_colormap(painting.colormap)), invalid_color(painting.colormap)
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
        image[rows][~valid] = invalid
    return image


def _palette(colormap: str) -> np.ndarray:
    """Return 256 colours, uint8 RGB (256, 3)."""
    return (matplotlib.colormaps[colormap](np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8)
