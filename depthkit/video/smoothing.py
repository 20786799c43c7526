"""Depth of the frames of a video made smooth over time, without lag."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from depthkit.apis.result import DepthResult
from depthkit.video.frame_depth import FrameDepth

REACH = 6  # frames before and after one, over which its scale is averaged; so many frames are held in memory
_WEIGHT = 0.7  # of the past in the average of a point that has not changed
_IMAGE_CHANGE = 12.0  # [grey levels] that make a point another one
_DEPTH_CHANGE = 0.3  # of log depth
_SPREAD = 40  # fraction of the image's longer side, one over this, over which trust is averaged
_FLOW_SIZE = 160  # [px], the longer side of the images in which motion is looked for
_LEAST_FOUND = 0.5  # fraction of the image that is found again in the next frame; after a cut at most 0.44 was
_COMPRESSED = 0.1  # of the 98th percentile: smaller disparities change by differences, larger ones by factors


@dataclass(frozen=True)
class _Past:
    """A frame that the next one is compared with.

    Attributes:
        grey: image (H, W).
        blurred: the same without its noise.
        levels: smooth logarithms (H, W).
    """

    grey: np.ndarray
    blurred: np.ndarray
    levels: np.ndarray


@dataclass(frozen=True)
class _Held:
    """A frame that waits for later ones, its logarithms (H, W), and how to make values of them."""

    frame: FrameDepth
    levels: np.ndarray
    restore: Callable[[np.ndarray], np.ndarray]


def smooth(frames: Iterable[FrameDepth], reach: int = REACH) -> Iterator[FrameDepth]:
    """Take the flicker out of the depth of consecutive frames.

    Two things flicker in models that see one frame at a time. *The scale of the whole frame*: the median of how the
    logarithm of depth changes from frame to frame, at points that are followed by optical flow, adds up to a curve;
    each frame is scaled to the mean of the curve over `reach` frames before and after. The mean of a straight line is
    the line: where a camera comes nearer evenly, nothing lags. *Points*: what remains of the change at a point is
    averaged with the point's past (exponentially, 0.7 of it past), as far as neither its grey value nor its depth
    says that it is another point. After a cut nothing of the past is used.

    Relative results are smoothed in asinh of the disparity, which is nearly its logarithm where it is large.

    Args:
        frames: in order, all of one size. Those of results without a valid pixel are passed on as they are.
        reach: 0 leaves the scale of the frames.

    Yields:
        The same frames with other values, `reach` frames later.
    """
    past: _Past | None = None
    scale = 1.0
    curve: deque[tuple[float, int]] = deque(maxlen=2 * reach + 1)  # of scales, with the number of the shot
    waiting: deque[_Held] = deque()
    for frame in frames:
        if past is None and frame.result.kind == "relative":
            scale = _COMPRESSED * _large_disparity(frame.result)
        levels, restore = _to_levels(frame.result, scale)
        past, change = _join(past, frame.result.image, levels)
        last, shot = curve[-1] if curve else (0.0, 0)
        curve.append((last, shot + 1) if change is None else (last + change, shot))
        waiting.append(_Held(frame, past.levels, restore))
        if len(waiting) > reach:
            yield _release(waiting, curve, reach)
    while waiting:
        yield _release(waiting, curve, reach)


def _release(waiting: deque[_Held], curve: deque[tuple[float, int]], reach: int) -> FrameDepth:
    """Return the first waiting frame, scaled to the mean of the curve around it, within its shot."""
    place = len(curve) - len(waiting)
    held = waiting.popleft()
    level, shot = curve[place]
    steps = 0
    while (
        steps < reach
        and place - steps > 0
        and place + steps + 1 < len(curve)
        and curve[place - steps - 1][1] == curve[place + steps + 1][1] == shot
    ):
        steps += 1
    mean = float(np.mean([curve[i][0] for i in range(place - steps, place + steps + 1)]))
    result = held.frame.result
    values = np.where(np.isfinite(held.levels), held.restore(held.levels + np.float32(mean - level)), result.values)
    return replace(held.frame, result=replace(result, values=values.astype(np.float32)))


def _join(past: _Past | None, image: np.ndarray, levels: np.ndarray) -> tuple[_Past, float | None]:
    """Average the levels (H, W) of a frame with those of the past.

    Returns:
        The frame as the next one's past, and how much the levels of the whole frame changed; None after a cut.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    blurred = cv2.blur(grey.astype(np.float32), (5, 5))  # noise is not change
    if past is None or past.levels.shape != levels.shape:
        return _Past(grey, blurred, levels), None
    columns, rows = _follow(grey, past.grey)
    before = cv2.remap(past.levels, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan)
    looked = cv2.remap(past.blurred, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    change = levels - before
    known = np.isfinite(change)
    trust = np.where(known, np.exp(-np.square((blurred - looked) / _IMAGE_CHANGE)), 0)
    found = trust > 0.5
    if found.mean() < _LEAST_FOUND:
        return _Past(grey, blurred, levels), None
    whole = float(np.median(change[found]))
    rest = np.where(known, change - whole, 0)
    weight = _WEIGHT * trust * np.exp(-np.square(rest / _DEPTH_CHANGE))
    side = max(1, max(weight.shape) // _SPREAD)
    weight = cv2.blur(weight, (side, side))  # pixel for pixel it would draw the image's texture into the depth
    return _Past(grey, blurred, (levels - weight * rest).astype(np.float32)), whole


def _follow(grey: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each pixel was in the frame before, as columns and rows (H, W) [px].

    DIS optical flow: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016.
    """
    height, width = grey.shape
    factor = min(1.0, _FLOW_SIZE / max(height, width))
    # DIS ends the process with a fault where there are fewer pixels, such as 160x24.
    size = max(32, round(width * factor)), max(32, round(height * factor))
    small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (grey, before)]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST).calc(*small, None)
    flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
    columns = flow[..., 0] * np.float32(width / size[0]) + np.arange(width, dtype=np.float32)
    rows = flow[..., 1] * np.float32(height / size[1]) + np.arange(height, dtype=np.float32)[:, None]
    return columns, rows


def _to_levels(result: DepthResult, scale: float) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Return the values so that factors become differences, NaN if not valid, and the way back."""
    values = np.where(result.valid, result.values, np.nan).astype(np.float32)
    if result.kind == "metric":
        return np.log(values), np.exp
    return np.arcsinh(values / np.float32(scale)), lambda levels: np.sinh(levels) * np.float32(scale)


def _large_disparity(result: DepthResult) -> float:
    finite = np.abs(result.values[result.valid])
    return float(np.percentile(finite, 98)) or 1.0 if finite.size else 1.0
