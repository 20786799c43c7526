"""The usual metrics of metric depth (Eigen et al., NIPS 2014), as pure functions on arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from depthkit.errors import InputError

METRIC_NAMES = ("abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog", "d1", "d2", "d3")


@dataclass(frozen=True)
class ErrorSums:
    """Float64 sums from which the metrics of any number of pixels follow; by default those of no pixel.

    Below, d = pred - gt and e = log(pred) - log(gt).

    Attributes:
        count: number of pixels.
        abs_rel: sum of |d|/gt.
        sq_rel: sum of d^2/gt [m].
        square: sum of d^2 [m^2].
        log_square: sum of e^2.
        log10: sum of |e|/ln(10).
        log_mean: mean of e.
        log_scatter: sum of (e - log_mean)^2; E[e^2] - E[e]^2 would lose all digits of a small error.
        within: number of pixels with max(pred/gt, gt/pred) < 1.25, 1.25^2 and 1.25^3.
    """

    count: int = 0
    abs_rel: float = 0.0
    sq_rel: float = 0.0
    square: float = 0.0
    log_square: float = 0.0
    log10: float = 0.0
    log_mean: float = 0.0
    log_scatter: float = 0.0
    within: tuple[int, int, int] = (0, 0, 0)

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics of these pixels (see `depth_metrics`); there must be at least one pixel."""
        n = self.count
        return {
            "abs_rel": self.abs_rel / n,
            "sq_rel": self.sq_rel / n,
            "rmse": float(np.sqrt(self.square / n)),
            "rmse_log": float(np.sqrt(self.log_square / n)),
            "log10": self.log10 / n,
            "silog": 100.0 * float(np.sqrt(self.log_scatter / n)),
            **{f"d{power}": hits / n for power, hits in enumerate(self.within, start=1)},
        }


def depth_metrics(pred: Any, gt: Any, valid: Any) -> dict[str, float]:
    """Compare a predicted with a true depth map over the valid pixels.

    Nothing is clamped, cropped or resized here; a `Protocol` does that.

    Args:
        pred: predicted depth [m], (H, W) or any other shape; a numpy array or torch tensor.
        gt: true depth [m], same shape.
        valid: which pixels count, boolean, same shape.

    Returns:
        ``abs_rel`` mean |d|/gt; ``sq_rel`` mean d^2/gt [m]; ``rmse`` [m]; ``rmse_log`` (natural logarithm);
        ``log10`` mean |log10 pred - log10 gt|; ``silog`` 100 * sqrt(E[e^2] - E[e]^2) with e = log pred - log
        gt; ``d1``, ``d2``, ``d3`` fraction of pixels with max(pred/gt, gt/pred) < 1.25, 1.25^2, 1.25^3. Sums
        are float64.

    Raises:
        InputError: the shapes differ, no pixel is valid, or a valid pixel is not finite and positive.
    """
    sums = error_sums(pred, gt, valid)
    if sums.count == 0:
        raise InputError("valid: is False for all pixels, so there is nothing to measure; check ground truth and mask")
    return sums.metrics


def error_sums(pred: Any, gt: Any, valid: Any) -> ErrorSums:
    """Compute the sums of `depth_metrics` from its arguments; without a valid pixel ``count`` is 0.

    Raises:
        InputError: the shapes differ, or a valid pixel is not finite and positive.
    """
    pred, gt, valid = _as_numpy(pred), _as_numpy(gt), _as_numpy(valid)
    if not pred.shape == gt.shape == valid.shape:
        raise InputError(
            f"pred {pred.shape}, gt {gt.shape} and valid {valid.shape} differ in shape; resize the "
            "prediction to the ground truth first (a Protocol does)"
        )
    if valid.dtype != np.bool_:
        raise InputError(f"valid: is of type {valid.dtype}; expected a boolean mask such as (gt > 0)")
    pred, gt = pred[valid].astype(np.float64), gt[valid].astype(np.float64)
    for name, values in (("pred", pred), ("gt", gt)):
        if not (np.isfinite(values) & (values > 0)).all():
            raise InputError(
                f"{name}: has NaN, infinite, zero or negative depth at valid pixels; clamp the prediction "
                "and mask the ground truth first (a Protocol does)"
            )
    if pred.size == 0:
        return ErrorSums()
    difference = pred - gt
    log_error = np.log(pred) - np.log(gt)
    log_mean = float(log_error.mean())
    ratio = np.maximum(pred / gt, gt / pred)
    return ErrorSums(
        count=pred.size,
        abs_rel=float((np.abs(difference) / gt).sum()),
        sq_rel=float((difference**2 / gt).sum()),
        square=float((difference**2).sum()),
        log_square=float((log_error**2).sum()),
        log10=float(np.abs(log_error).sum() / np.log(10.0)),
        log_mean=log_mean,
        log_scatter=float(((log_error - log_mean) ** 2).sum()),
        within=tuple(int((ratio < 1.25**power).sum()) for power in (1, 2, 3)),
    )


def pool(images: Sequence[ErrorSums]) -> ErrorSums:
    """Combine the sums of several images as if their pixels were those of one image."""
    names = {field.name for field in fields(ErrorSums)} - {"log_mean", "log_scatter", "within"}
    added = {name: sum(getattr(one, name) for one in images) for name in names}
    log_mean = sum(one.count * one.log_mean for one in images) / max(added["count"], 1)
    return ErrorSums(
        **added,
        log_mean=log_mean,
        log_scatter=sum(one.log_scatter + one.count * (one.log_mean - log_mean) ** 2 for one in images),
        within=tuple(sum(one.within[i] for one in images) for i in range(3)),
    )


def _as_numpy(array: Any) -> np.ndarray:
    if hasattr(array, "detach"):  # a torch tensor, which may need a gradient or lie on a GPU
        array = array.detach().cpu()
        array = array.double() if array.is_floating_point() else array
    return np.asarray(array)
