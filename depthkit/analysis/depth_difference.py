"""How much one prediction of depth differs from another of the same image."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from depthkit.errors import InputError

WITHIN = 0.05  # of the range of disparities, for `close` of a relative model


class Difference(NamedTuple):
    """Difference of one prediction from a reference, over all pixels.

    Attributes:
        size: mean difference, as a fraction: of the reference's depth in each pixel (metric), or of the range of the
            reference's disparity (relative).
        close: fraction of the pixels where the two are near each other: depths whose ratio is below 1.25 (metric), or
            disparities that differ by less than 5 % of the range (relative).
        scale: median ratio of the depths (metric), or the factor that aligned the disparities (relative).
    """

    size: float
    close: float
    scale: float


class Mean(NamedTuple):
    """Mean over images, and its standard error, None for a single image."""

    mean: float
    error: float | None


def metric_difference(depth: Tensor, reference: Tensor) -> Difference:
    """Compare depths [m] of the same shape.

    Raises:
        InputError: the reference has no positive depth.
    """
    known = reference > 0
    if not known.any():
        raise InputError("the dense model gives no positive depth; give weights of a trained model")
    ratio = depth[known].double() / reference[known].double()
    close = torch.maximum(ratio, 1 / ratio) < 1.25
    return Difference((ratio - 1).abs().mean().item(), close.double().mean().item(), ratio.median().item())


def relative_difference(disparity: Tensor, reference: Tensor) -> Difference:
    """Compare disparities of the same shape, whose scale and shift have no meaning.

    `disparity` is first aligned by least squares. A disparity has no natural zero, so the difference is told as a
    fraction of the reference's range, from the 2nd to the 98th percentile, and not of its value.

    Raises:
        InputError: the reference has the same value nearly everywhere.
    """
    x, y = disparity.double().flatten(), reference.double().flatten()
    ordered = y.sort().values
    span = (ordered[round(0.98 * (len(y) - 1))] - ordered[round(0.02 * (len(y) - 1))]).item()
    if not span > 0:
        raise InputError("the dense model gives the same value everywhere; give weights of a trained model")
    x = x - x.mean()
    scale = ((x @ (y - y.mean())) / (x @ x).clamp(min=torch.finfo(x.dtype).tiny)).item()
    error = (scale * x + y.mean() - y).abs() / span
    return Difference(error.mean().item(), (error < WITHIN).double().mean().item(), scale)


def mean_of(values: Sequence[float]) -> Mean:
    """Return the mean of one or more values, and its standard error."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
    return Mean(statistics.fmean(values), error)
