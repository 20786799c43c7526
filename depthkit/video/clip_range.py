"""One range of colours for a whole video."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from depthkit.apis.focal import FocalRequest
from depthkit.apis.result import DepthResult
from depthkit.video.frames import Predict, predict_frame
from depthkit.video.reader import VideoReader

SAMPLES = 16  # frames of a video whose depth decides
_PIXELS = 50_000  # of each of them that count


@dataclass(frozen=True)
class ClipRange:
    """The colours of a video.

    Attributes:
        ends: see `DepthResult.color_range`.
        extremes: smallest and largest of the values that were looked at.
        sampled: number of frames that were looked at.
    """

    ends: tuple[float, float]
    extremes: tuple[float, float]
    sampled: int


def range_of(results: Iterable[DepthResult], depth_range: tuple[float, float] | None = None) -> ClipRange:
    """Return the range of colours of some frames together; `depth_range` [m], if given, is it.

    Raises:
        InputError: there is a range for relative results, or it is empty.
    """
    results = list(results)
    return _pool([_some_values(result) for result in results], results[0], depth_range)


def sample_range(predict: Predict, reader: VideoReader, focal: FocalRequest) -> ClipRange:
    """Decode a video once, and return the range of colours of 16 to 32 frames, evenly spread."""
    every = max(1, (reader.declared or 1) // SAMPLES)
    values: list[np.ndarray] = []

    def wanted(index: int) -> bool:
        return index % every == 0

    for frame in reader.frames(wanted):
        result = predict_frame(predict, frame, focal, reader.name).result
        values.append(_some_values(result))
        if len(values) > 2 * SAMPLES:  # there are more frames than the file says
            values, every = values[::2], 2 * every
    return _pool(values, result, None)


def _some_values(result: DepthResult) -> np.ndarray:
    step = max(1, int(np.sqrt(result.values.size / _PIXELS)))
    return result.values[::step, ::step][result.valid[::step, ::step]]


def _pool(values: list[np.ndarray], like: DepthResult, depth_range: tuple[float, float] | None) -> ClipRange:
    pooled = np.concatenate(values)
    ends = replace(like, values=pooled[None]).color_range(depth_range)
    extremes = (float(pooled.min()), float(pooled.max())) if pooled.size else ends
    return ClipRange(ends, extremes, len(values))
