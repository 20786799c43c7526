"""Depth maps as coloured images with a fixed range in metres."""

import math

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.palette import Painting, paint
from depthkit.visualization.panels import ColorBar, draw_beside, draw_panels

COLORMAP = "turbo_r"  # reversed turbo: near is red, far is blue, as in most images of depth
_ENDS = (2, 98)  # percentiles of a map that its own range begins and ends at
_SAMPLED = 4_000_000  # [px]
_FLATTEST = 0.25  # of the middle depth: a smaller range would show nothing but noise
# Where maps are compared, their range is fixed: with its own, one that is four times too far looks right.
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


def readable_range(depth: np.ndarray, limits: tuple[float, float] | None = None) -> tuple[float, float]:
    """Return a range of colours [m] for one map: nearly all of its depth, between readable numbers.

    Args:
        depth: (H, W) [m].
        limits: depth that cannot be exceeded [m]; the range stays within.

    Returns:
        Near and far, multiples of 0.1, 0.2 or 0.5 times a power of ten; `DEFAULT_RANGE` where no pixel is valid.
    """
    step = math.ceil(math.sqrt(max(1, depth.size) / _SAMPLED))  # of a large map some pixels tell enough
    valid = depth[::step, ::step]
    valid = valid[is_valid(valid)]
    if not valid.size:
        return DEFAULT_RANGE
    low, high = np.percentile(valid, _ENDS).astype(float)
    widen = max(0.0, _FLATTEST * (low + high) / 2 - (high - low)) / 2
    low, high = low - widen, high + widen
    power = 10.0 ** math.floor(math.log10(high - low))
    step = next(factor * power for factor in (0.1, 0.2, 0.5, 1) if (high - low) <= 12 * factor * power)
    low, high = math.floor(low / step + 1e-6) * step, math.ceil(high / step - 1e-6) * step
    if limits is not None:
        low, high = max(low, limits[0]), min(high, limits[1])
    return (round(max(low, 0.0), 9), round(high, 9)) if low < high else DEFAULT_RANGE


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
