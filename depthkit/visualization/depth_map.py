"""Depth maps as coloured images with a fixed range in metres."""

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.palette import Painting, paint
from depthkit.visualization.panels import ColorBar, draw_beside, draw_panels

# Reversed turbo: near is red, far is blue, as in most images of depth. Never scaled to the map's own extremes, which
# would make a prediction that is four times too far look right.
COLORMAP = "turbo_r"
DEFAULT_RANGE = (0.0, 10.0)  # [m], the range of indoor sensors and of NYU Depth V2


def colorize(depth: np.ndarray, depth_range: tuple[float, float] = DEFAULT_RANGE) -> np.ndarray:
    """Colour a depth map: red is near, blue is far, dark grey is invalid (NaN, infinite, 0, negative).

    Args:
        depth: (H, W) [m].
        depth_range: ends of the colour scale [m]; depth beyond an end gets the colour of that end.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        InputError: the range is empty or not finite, or the map is not two-dimensional.
    """
    return paint(_painting(depth, depth_range))


def draw_depth_map(depth: np.ndarray, depth_range: tuple[float, float] = DEFAULT_RANGE) -> np.ndarray:
    """Draw the coloured depth map (H, W) [m], pixel for pixel, with a colour bar in metres to its right.

    The bar has an arrow at each end that some depth exceeds.

    Returns:
        uint8 RGB (H', W', 3).
    """
    return draw_panels([_painting(depth, depth_range)], color_bar=_color_bar([depth], depth_range))


def draw_side_by_side(
    image: np.ndarray, pred: np.ndarray, gt: np.ndarray | None = None, depth_range: tuple[float, float] = DEFAULT_RANGE
) -> np.ndarray:
    """Draw image | prediction | ground truth (if any), with one colour bar in metres for both maps.

    Args:
        image: uint8 RGB (H, W, 3).
        pred: depth [m] (H, W) of any size; it is drawn at the image's height, 960 px at most.
        gt: true depth [m] (H, W) of any size.
        depth_range: ends of the colour bar [m].

    Returns:
        uint8 RGB (H', W', 3).
    """
    maps = {"prediction": pred} if gt is None else {"prediction": pred, "ground truth": gt}
    drawn = {title: colorize(depth, depth_range) for title, depth in maps.items()}
    return draw_beside(image, drawn, _color_bar(list(maps.values()), depth_range))


def check_range(depth_range: tuple[float, float]) -> tuple[float, float]:
    """Return `depth_range` [m] as two floats; raise `InputError` unless it is finite and increasing."""
    low, high = (float(end) for end in depth_range)
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"range {low:g} {high:g}: expected two depths in metres, the first smaller, such as 0 10")
    return low, high


def is_valid(depth: np.ndarray) -> np.ndarray:
    """Return where a depth map has a depth, boolean (H, W): finite and positive; 0 means no measurement."""
    return np.isfinite(depth) & (depth > 0)


def _painting(depth: np.ndarray, depth_range: tuple[float, float]) -> Painting:
    ends = check_range(depth_range)
    depth = np.asarray(depth, dtype=np.float32)
    if depth.ndim != 2:
        raise InputError(f"depth: has shape {depth.shape}; expected one depth map (height, width)")
    return Painting(depth, is_valid, ends, COLORMAP)


def _color_bar(maps: list[np.ndarray], depth_range: tuple[float, float]) -> ColorBar:
    low, high = check_range(depth_range)
    below = any(bool((is_valid(depth) & (depth < low)).any()) for depth in maps)
    above = any(bool((is_valid(depth) & (depth > high)).any()) for depth in maps)
    return ColorBar(COLORMAP, low, high, "depth [m]", below=below, above=above)
