"""Relative disparities as coloured images that cannot be taken for metres: near is bright."""

import math

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.palette import Painting, paint
from depthkit.visualization.panels import ColorBar, draw_beside, draw_panels

COLORMAP = "magma"  # black, violet, cream: none of the blue, green and red by which depth in metres is shown
_PERCENTILES = (2, 98)
_ENOUGH_PIXELS = 1_000_000


def disparity_range(disparity: np.ndarray) -> tuple[float, float]:
    """Return the 2nd and 98th percentile of a map (H, W), so that single pixels do not set the colours.

    Of large maps every n-th row and column counts. (0, 1) where nothing is finite; where all values are the same, they
    get the middle, because none is near or far.
    """
    every = max(1, math.isqrt(disparity.size // _ENOUGH_PIXELS))
    shown = disparity[::every, ::every]
    shown = shown[np.isfinite(shown)]
    if not shown.size:
        return 0.0, 1.0
    low, high = (float(end) for end in np.percentile(shown, _PERCENTILES))
    half = max(1.0, abs(low)) / 2
    return (low, high) if low < high else (low - half, low + half)


def colorize_disparity(disparity: np.ndarray, ends: tuple[float, float] | None = None) -> np.ndarray:
    """Colour a map of disparities: near is bright, far is dark, dark grey is not finite.

    Args:
        disparity: (H, W), larger is nearer.
        ends: disparities of the darkest and the brightest colour; None for `disparity_range`.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        InputError: the map is not two-dimensional.
    """
    return paint(_painting(disparity, ends))


def draw_disparity_map(disparity: np.ndarray, ends: tuple[float, float] | None = None) -> np.ndarray:
    """Draw `colorize_disparity`, pixel for pixel, with a colour bar from near to far, without numbers.

    The bar has an arrow at each end that some disparity exceeds.

    Returns:
        uint8 RGB (H', W', 3).
    """
    return draw_panels([_painting(disparity, ends)], color_bar=_color_bar(disparity, ends))


def draw_disparity_beside(
    image: np.ndarray, disparity: np.ndarray, ends: tuple[float, float] | None = None
) -> np.ndarray:
    """Draw image (H, W, 3) | coloured disparity, 960 px high at most, with the same colour bar.

    Returns:
        uint8 RGB (H', W', 3).
    """
    return draw_beside(image, {"prediction": colorize_disparity(disparity, ends)}, _color_bar(disparity, ends))


def _painting(disparity: np.ndarray, ends: tuple[float, float] | None) -> Painting:
    disparity = np.asarray(disparity, dtype=np.float32)
    if disparity.ndim != 2:
        raise InputError(f"disparity: has shape {disparity.shape}; expected one map (height, width)")
    return Painting(disparity, np.isfinite, ends or disparity_range(disparity), COLORMAP)


def _color_bar(disparity: np.ndarray, ends: tuple[float, float] | None) -> ColorBar:
    low, high = ends or disparity_range(disparity)
    finite = np.isfinite(disparity)
    nearer, farther = bool((finite & (disparity > high)).any()), bool((finite & (disparity < low)).any())
    names = ((0, "near"), (1, "far"))
    return ColorBar(f"{COLORMAP}_r", 0, 1, "relative disparity", names, below=nearer, above=farther)
