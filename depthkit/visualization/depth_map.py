"""Depth maps in metres as coloured images."""

import cv2
import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.color_range import DEFAULT_RANGE, check_range, is_valid
from depthkit.visualization.palette import Painting, check_colormap, paint
from depthkit.visualization.panels import ColorBar, draw_beside, draw_panels

DEPTH_COLORMAP = "turbo_r"  # reversed turbo: near is red, far is blue, as in most images of depth
ERROR_COLORMAP = "RdBu"  # red: the prediction is too near; white: right; blue: too far
ERROR_LIMIT = 0.25  # from here on a pixel is wrong for the metric d1 (ratio below 1.25)


def colorize(
    depth: np.ndarray, depth_range: tuple[float, float] = DEFAULT_RANGE, colormap: str = DEPTH_COLORMAP
) -> np.ndarray:
    """Colour a depth map: red is near, blue is far, dark grey is invalid (NaN, infinite, 0, negative).

    Args:
        depth: (H, W) [m].
        depth_range: ends of the colour scale [m]; depth beyond an end gets the colour of that end.
        colormap: matplotlib's name; its first colour is near. Where it has the dark grey itself, invalid is white or
            magenta.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        InputError: the range is empty or not finite, there is no such colormap, or the map is not two-dimensional.
    """
    return paint(_painting(depth, depth_range, colormap))


def draw_depth_map(
    depth: np.ndarray, depth_range: tuple[float, float] = DEFAULT_RANGE, colormap: str = DEPTH_COLORMAP
) -> np.ndarray:
    """Draw the coloured depth map (H, W) [m], pixel for pixel, with a colour bar in metres to its right.

    The bar has an arrow at each end that some depth exceeds. It is below a map that is more than twice as wide as
    high.

    Returns:
        uint8 RGB (H', W', 3).
    """
    return draw_panels([_painting(depth, depth_range, colormap), depth_bar([depth], depth_range, colormap)])


def draw_side_by_side(
    image: np.ndarray,
    pred: np.ndarray,
    gt: np.ndarray | None = None,
    depth_range: tuple[float, float] = DEFAULT_RANGE,
    colormap: str = DEPTH_COLORMAP,
) -> np.ndarray:
    """Draw image | prediction, or image | ground truth | prediction | error.

    One colour bar in metres is for both depth maps. The error is prediction / ground truth - 1, from -25 % (red: too
    near) to 25 % (blue: too far), where the metric d1 begins to count a pixel as wrong; its bar is always the same.

    Args:
        image: uint8 RGB (H, W, 3).
        pred: depth [m] (H, W) of any size; it is drawn at the image's height, 960 px at most.
        gt: true depth [m] (H, W) of any size.
        depth_range: ends of the colour bar [m].
        colormap: of the depth maps, see `colorize`.

    Returns:
        uint8 RGB (H', W', 3).
    """
    if gt is None:
        bar = depth_bar([pred], depth_range, colormap)
        return draw_beside(image, [("prediction", colorize(pred, depth_range, colormap)), bar])
    error = relative_error(pred, gt)
    finite = error[np.isfinite(error)]
    outside = {"below": bool((finite < -ERROR_LIMIT).any()), "above": bool((finite > ERROR_LIMIT).any())}
    drawn_error = paint(Painting(error, np.isfinite, (-ERROR_LIMIT, ERROR_LIMIT), ERROR_COLORMAP))
    panels = [
        ("ground truth", colorize(gt, depth_range, colormap)),
        ("prediction", colorize(pred, depth_range, colormap)),
        depth_bar([gt, pred], depth_range, colormap),
        ("error", drawn_error),
        ColorBar(ERROR_COLORMAP, -100 * ERROR_LIMIT, 100 * ERROR_LIMIT, "too near   [%]   too far", **outside),
    ]
    return draw_beside(image, panels)


def relative_error(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Return prediction / ground truth - 1, float32 (H, W); NaN where one of them has no depth.

    Args:
        pred: depth [m] (h, w); resized to the ground truth's size bilinearly, as the protocols do.
        gt: depth [m] (H, W).
    """
    pred, gt = np.asarray(pred, np.float32), np.asarray(gt, np.float32)
    if pred.shape != gt.shape:
        pred = cv2.resize(pred, gt.shape[::-1], interpolation=cv2.INTER_LINEAR)
    both = is_valid(pred) & is_valid(gt)
    return np.divide(pred, gt, out=np.full(gt.shape, np.nan, np.float32), where=both) - 1


def depth_bar(maps: list[np.ndarray], depth_range: tuple[float, float], colormap: str = DEPTH_COLORMAP) -> ColorBar:
    """Make the colour bar of depth maps [m], with an arrow at each end that some depth exceeds."""
    low, high = check_range(depth_range)
    below = any(bool((is_valid(depth) & (depth < low)).any()) for depth in maps)
    above = any(bool((is_valid(depth) & (depth > high)).any()) for depth in maps)
    return ColorBar(check_colormap(colormap), low, high, "depth [m]", below=below, above=above)


def _painting(depth: np.ndarray, depth_range: tuple[float, float], colormap: str) -> Painting:
    ends = check_range(depth_range)
    depth = np.asarray(depth, dtype=np.float32)
    if depth.ndim != 2:
        raise InputError(f"depth: has shape {depth.shape}; expected one depth map (height, width)")
    return Painting(depth, is_valid, ends, check_colormap(colormap))
