"""Scale and shift that turn disparities into metres."""

import math
from typing import NamedTuple

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.color_range import is_valid


class Alignment(NamedTuple):
    """How disparities become metres: 1/depth [1/m] = scale * disparity + shift.

    Attributes:
        scale: [1/m] per unit of disparity; positive.
        shift: [1/m].
    """

    scale: float
    shift: float


def fit_alignment(disparity: np.ndarray, reference: np.ndarray) -> Alignment:
    """Fit scale and shift to known distances, by least squares on 1/depth.

    The protocol of MiDaS (Ranftl et al., TPAMI 2022, section 5) and of Depth-Anything-V2 (issue 157 of its
    repository). All known distances weigh the same and none is left out as an outlier.

    Args:
        disparity: (H, W), larger is nearer, NaN where there is none.
        reference: depth [m] of the same size, where 0, negative, NaN and infinite mean unknown; or points (N, 3) of x
            [px], y [px] and depth [m], where pixel centres are whole numbers and the first is 0. A point stands for
            the pixel it lies in.

    Raises:
        InputError: the reference has another shape; a point lies outside the image or has no positive depth; there are
            fewer than two distances where there is a disparity, or all are equal; or what is nearer in the reference
            has the smaller disparity.
    """
    reference = np.asarray(reference)
    if not np.issubdtype(reference.dtype, np.number) or np.iscomplexobj(reference):
        raise InputError(f"reference: holds {reference.dtype}; expected depths or points in numbers")
    if reference.shape == disparity.shape:
        known = is_valid(reference) & np.isfinite(disparity)
        seen, depth = disparity[known], reference[known]
    elif reference.ndim == 2 and reference.shape[1] == 3:
        seen, depth = _sample(disparity, reference.astype(np.float64))
    else:
        height, width = disparity.shape
        raise InputError(
            f"reference: has shape {reference.shape}; expected depth of the image's size ({height}, {width}) or points "
            "(N, 3) of x, y and depth"
        )
    return _fit(seen.astype(np.float64), 1 / depth.astype(np.float64))


def apply_alignment(disparity: np.ndarray, alignment: Alignment, max_depth: float = math.inf) -> np.ndarray:
    """Return the depth of disparities (H, W), float32 [m]; see `DepthValues.to_metric`.

    Raises:
        InputError: the scale is not positive, a number of the alignment is not finite, or `max_depth` is not positive.
    """
    scale, shift = (float(number) for number in alignment)
    if not (np.isfinite([scale, shift]).all() and scale > 0):
        raise InputError(f"alignment: scale {scale:g} and shift {shift:g}; expected finite numbers, scale above 0")
    if not max_depth > 0:
        raise InputError(f"max_depth={max_depth:g}: expected metres, more than 0")
    inverse = scale * disparity.astype(np.float64) + shift
    depth = np.divide(1, inverse, out=np.zeros(disparity.shape), where=inverse > np.finfo(np.float32).tiny)
    depth[depth > max_depth] = 0
    return depth.astype(np.float32)


def _sample(disparity: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return disparity (N,) and depth (N,) of points (N, 3)."""
    height, width = disparity.shape
    x, y, depth = points.T
    inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    if not inside.all():
        i = int(inside.argmin())
        raise InputError(
            f"reference: point {i} at x {x[i]:g}, y {y[i]:g} is outside the image of {width}x{height} px; give x and y "
            "in pixels of the whole image"
        )
    if not is_valid(depth).all():
        i = int(is_valid(depth).argmin())
        raise InputError(f"reference: point {i} has the depth {depth[i]:g}; expected metres, more than 0")
    seen = disparity[np.floor(y + 0.5).astype(int), np.floor(x + 0.5).astype(int)]
    known = np.isfinite(seen)
    return seen[known], depth[known]


def _fit(disparity: np.ndarray, inverse: np.ndarray) -> Alignment:
    """Fit inverse = scale * disparity + shift, both (N,) float64."""
    if len(inverse) < 2 or np.ptp(inverse) == 0 or np.ptp(disparity) == 0:
        found = f"{len(inverse)} of them where the result has a value" if len(inverse) < 2 else "all are the same"
        raise InputError(
            f"reference: scale and shift need two known distances that differ, and {found}; give more, far apart in "
            "depth"
        )
    # Centred, and in units of their spread: a large shift or a small scale costs no digits.
    x, y = disparity - disparity.mean(), inverse - inverse.mean()
    x_unit, y_unit = np.abs(x).max(), np.abs(y).max()
    slope = float(x / x_unit @ (y / y_unit) / np.square(x / x_unit).sum())
    scale = slope * float(y_unit / x_unit)
    if not slope > 0:
        raise InputError(
            "reference: what is nearer in it has the smaller disparity, so it does not fit this image; expected depth "
            "in metres (not disparity), and points as x, y, depth"
        )
    return Alignment(scale, float(inverse.mean() - scale * disparity.mean()))
