"""Ends of the colour scale: what a user gives, and what the values of one map or of many suggest."""

import math

import numpy as np

from depthkit.errors import InputError

_ENDS = (2, 98)  # percentiles of a map that its own range begins and ends at: single pixels do not set the colours
_SAMPLED = 1_000_000  # [px] of a large map tell enough
_FLATTEST = 0.25  # of the middle depth: a smaller range would show nothing but noise
# Where maps are compared, their range is fixed: with its own, one that is four times too far looks right.
DEFAULT_RANGE = (0.0, 10.0)  # [m], the range of indoor sensors and of NYU Depth V2


class SharedRange:
    """One range of colours for many depth maps, of which each counts as much as any other.

    It keeps 101 numbers of each map, so that a folder or a clip of any length takes no more memory than its names.

        shared = SharedRange()
        for depth in maps:
            shared.add(depth)
        near, far = shared.ends()
    """

    def __init__(self) -> None:
        self._percentiles: list[np.ndarray] = []

    def add(self, depth: np.ndarray) -> None:
        """Count a map (H, W) [m]; one without valid depth does not count."""
        valid = _sample(depth)
        valid = valid[is_valid(valid)]
        if valid.size:
            self._percentiles.append(np.percentile(valid, range(101)).astype(np.float32))

    def ends(self) -> tuple[float, float]:
        """Return a range [m] as `readable_range` does for one map; `DEFAULT_RANGE` where no map counted."""
        if not self._percentiles:
            return DEFAULT_RANGE
        return readable_range(np.stack(self._percentiles))


def readable_range(depth: np.ndarray, limits: tuple[float, float] | None = None) -> tuple[float, float]:
    """Return a range of colours [m] for one map: nearly all of its depth, between readable numbers.

    Args:
        depth: (H, W) [m].
        limits: depth that cannot be exceeded [m]; the range stays within.

    Returns:
        Near and far, multiples of 0.1, 0.2 or 0.5 times a power of ten; `DEFAULT_RANGE` where no pixel is valid.
    """
    valid = _sample(depth)
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


def disparity_range(disparity: np.ndarray) -> tuple[float, float]:
    """Return the 2nd and 98th percentile of a map (H, W), so that single pixels do not set the colours.

    Of large maps every n-th row and column counts. (0, 1) where nothing is finite; where all values are the same, they
    get the middle, because none is near or far.
    """
    shown = _sample(disparity)
    shown = shown[np.isfinite(shown)]
    if not shown.size:
        return 0.0, 1.0
    low, high = (float(end) for end in np.percentile(shown, _ENDS))
    half = max(1.0, abs(low)) / 2
    return (low, high) if low < high else (low - half, low + half)


def check_range(depth_range: tuple[float, float]) -> tuple[float, float]:
    """Return `depth_range` [m] as two floats; raise `InputError` unless it is finite and increasing."""
    low, high = (float(end) for end in depth_range)
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"range {low:g} {high:g}: expected two depths in metres, the first smaller, such as 0 10")
    return low, high


def check_metres(depth_range: tuple[float, float]) -> tuple[float, float]:
    """Return a range of depth [m] that a user gives, checked as by `check_range`, and not below 0."""
    low, high = check_range(depth_range)
    if low < 0:
        raise InputError(f"range {low:g} {high:g}: no depth is below 0 m; expected two depths in metres, such as 0 10")
    return low, high


def is_valid(depth: np.ndarray) -> np.ndarray:
    """Return where a depth map has a depth, boolean (H, W): finite and positive; 0 means no measurement."""
    return np.isfinite(depth) & (depth > 0)


def _sample(values: np.ndarray) -> np.ndarray:
    """Return every n-th row and column of a map (H, W), of a small one all."""
    every = max(1, math.isqrt(values.size // _SAMPLED))
    return values[::every, ::every]
