"""Relative disparities as coloured images that cannot be taken for metres: near is bright."""

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.color_range import disparity_range
from depthkit.visualization.palette import Painting, check_colormap, paint, reversed_colormap
from depthkit.visualization.panels import ColorBar, draw_beside, draw_panels

# From near to far: cream, violet, black; none of the blue, green and red by which depth in metres is shown.
DISPARITY_COLORMAP = "magma_r"


def colorize_disparity(
    disparity: np.ndarray, ends: tuple[float, float] | None = None, colormap: str = DISPARITY_COLORMAP
) -> np.ndarray:
    """Colour a map of disparities: near is bright, far is dark, dark grey is not finite.

    Args:
        disparity: (H, W), larger is nearer.
        ends: disparities of the farthest and the nearest colour; None for `disparity_range`.
        colormap: matplotlib's name; its first colour is near, as in `colorize`.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        InputError: the map is not two-dimensional, or there is no such colormap.
    """
    return paint(_painting(disparity, ends, colormap))


def draw_disparity_map(
    disparity: np.ndarray, ends: tuple[float, float] | None = None, colormap: str = DISPARITY_COLORMAP
) -> np.ndarray:
    """Draw `colorize_disparity`, pixel for pixel, with a colour bar from near to far, without numbers.

    The bar has an arrow at each end that some disparity exceeds.

    Returns:
        uint8 RGB (H', W', 3).
    """
    return draw_panels([_painting(disparity, ends, colormap), _color_bar(disparity, ends, colormap)])


def draw_disparity_beside(
    image: np.ndarray,
    disparity: np.ndarray,
    ends: tuple[float, float] | None = None,
    colormap: str = DISPARITY_COLORMAP,
) -> np.ndarray:
    """Draw image (H, W, 3) | coloured disparity, 960 px high at most, with the same colour bar.

    Returns:
        uint8 RGB (H', W', 3).
    """
    drawn = colorize_disparity(disparity, ends, colormap)
    return draw_beside(image, [("prediction", drawn), _color_bar(disparity, ends, colormap)])


def _painting(disparity: np.ndarray, ends: tuple[float, float] | None, colormap: str) -> Painting:
    disparity = np.asarray(disparity, dtype=np.float32)
    if disparity.ndim != 2:
        raise InputError(f"disparity: has shape {disparity.shape}; expected one map (height, width)")
    from_far = reversed_colormap(check_colormap(colormap))
    return Painting(disparity, np.isfinite, ends or disparity_range(disparity), from_far)


def _color_bar(disparity: np.ndarray, ends: tuple[float, float] | None, colormap: str) -> ColorBar:
    low, high = ends or disparity_range(disparity)
    finite = np.isfinite(disparity)
    nearer, farther = bool((finite & (disparity > high)).any()), bool((finite & (disparity < low)).any())
    names = ((0, "near"), (1, "far"))
    return ColorBar(check_colormap(colormap), 0, 1, "relative disparity", names, below=nearer, above=farther)
