"""Depth maps as coloured pictures with a fixed range in metres."""

import matplotlib
import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.panels import ColorBar, draw_panels, resize_to_height

# Reversed turbo: near is red, far is blue, as in most pictures of depth. Never scaled to the picture's own
# extremes, which would make a prediction that is four times too far look right.
COLORMAP = "turbo_r"
DEFAULT_RANGE = (0.0, 10.0)  # [m], the range of indoor sensors and of NYU Depth V2
INVALID_COLOR = (60, 60, 60)  # dark grey, which the colormap does not have
_MAX_PANEL_HEIGHT = 960  # [px]; panels side by side are for looking at, the full size is saved apart


def colorize(depth: np.ndarray, depth_range: tuple[float, float] = DEFAULT_RANGE) -> np.ndarray:
    """Colour a depth map (H, W) [m]: red is near, blue is far, dark grey is no depth (NaN, infinite, 0 or
    negative).

    Depth beyond `depth_range` [m] gets the colour of that end. Returns uint8 RGB (H, W, 3).

    Raises:
        InputError: the range is empty or not finite, or the map is not two-dimensional.
    """
    low, high = check_range(depth_range)
    depth = np.asarray(depth, dtype=np.float32)
    if depth.ndim != 2:
        raise InputError(f"depth: has shape {depth.shape}; expected one depth map (height, width)")
    valid = is_valid(depth)
    fraction = np.clip((np.where(valid, depth, low) - low) / (high - low), 0.0, 1.0)
    palette = (matplotlib.colormaps[COLORMAP](np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8)
    picture = palette[np.rint(fraction * 255).astype(np.uint8)]
    picture[~valid] = INVALID_COLOR
    return picture


def draw_depth_map(depth: np.ndarray, depth_range: tuple[float, float] = DEFAULT_RANGE) -> np.ndarray:
    """The coloured depth map (H, W) [m], pixel by pixel, with a colour bar in metres at its right.

    The bar has an arrow at an end that some depth lies beyond. Returns uint8 RGB (H', W', 3).
    """
    return draw_panels([colorize(depth, depth_range)], color_bar=_color_bar([depth], depth_range))


def draw_side_by_side(
    image: np.ndarray,
    pred: np.ndarray,
    gt: np.ndarray | None = None,
    depth_range: tuple[float, float] = DEFAULT_RANGE,
) -> np.ndarray:
    """Photo | prediction | ground truth (if any), with one colour bar in metres for both maps.

    Args:
        image: uint8 RGB (H, W, 3).
        pred: depth [m] (H, W) of any size; it is drawn at the photo's height, 960 px at most.
        gt: true depth [m] (H, W) of any size.
        depth_range: the ends of the colour bar [m].

    Returns:
        uint8 RGB (H', W', 3).
    """
    height = min(image.shape[0], _MAX_PANEL_HEIGHT)
    maps = [("prediction", pred)] + ([] if gt is None else [("ground truth", gt)])
    titles, pictures = ["photo"], [resize_to_height(image, height, smooth=True)]
    for title, depth in maps:
        titles.append(title)
        # Colours are resized without mixing: a mixture of two is a depth that is not there.
        pictures.append(resize_to_height(colorize(depth, depth_range), height, smooth=False))
    return draw_panels(pictures, titles, _color_bar([depth for _, depth in maps], depth_range))


def check_range(depth_range: tuple[float, float]) -> tuple[float, float]:
    """`depth_range` as two floats; raises InputError unless it is finite and increasing."""
    low, high = (float(end) for end in depth_range)
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"range {low:g} {high:g}: expected two depths in metres, the first smaller, such as 0 10")
    return low, high


def is_valid(depth: np.ndarray) -> np.ndarray:
    """Where a depth map holds a depth: finite and positive (0 means no measurement). Boolean, same shape."""
    return np.isfinite(depth) & (depth > 0)


def _color_bar(maps: list[np.ndarray], depth_range: tuple[float, float]) -> ColorBar:
    low, high = check_range(depth_range)
    below = above = False
    for depth in maps:
        shown = depth[is_valid(depth)]
        below |= bool((shown < low).any())
        above |= bool((shown > high).any())
    return ColorBar(COLORMAP, low, high, below, above)
