"""Losses on predicted and true depth (B, 1, H, W) [m] with a mask of valid pixels."""

import torch
from torch import Tensor, nn

from depthkit.registry import MODELS
from depthkit.utils.validation import Count, NotNegative, Probability, validate_arguments

# Keeps the square root's gradient finite where prediction and truth are equal.
_EPS = 1e-6


def log_difference(pred: Tensor, gt: Tensor, valid: Tensor) -> Tensor:
    """Return log(pred) - log(gt) where valid, 0 elsewhere; invalid pixels give no gradient."""
    one = torch.ones((), dtype=pred.dtype, device=pred.device)
    return torch.where(valid, pred, one).log() - torch.where(valid, gt.to(pred.dtype), one).log()


@MODELS.register_module()
class ScaleInvariantLogLoss(nn.Module):
    """Scale-invariant log loss (Eigen et al., NeurIPS 2014), in the form of BTS (arXiv 1907.10326).

    ``loss_weight * sqrt(E[e^2] - variance_focus * E[e]^2)``, e = log(pred) - log(gt), over all valid pixels of the
    batch.

    Args:
        variance_focus: lambda; 1 ignores the scale, 0 is the plain RMSE of logs.
        loss_weight: multiplies the loss; 10 in BTS.

    Raises:
        InputError: an argument is wrong.
    """

    name = "silog"
    compares = "depth"

    @validate_arguments
    def __init__(self, variance_focus: Probability = 0.85, loss_weight: NotNegative = 10.0) -> None:
        super().__init__()
        self.variance_focus = variance_focus
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, gt: Tensor, valid: Tensor) -> Tensor:
        """Return the scalar loss; it is 0 with a zero gradient when no pixel is valid."""
        error = log_difference(pred, gt, valid)
        count = valid.sum().clamp(min=1)
        mean_square, mean = error.square().sum() / count, error.sum() / count
        # E[e^2] >= E[e]^2, but rounding can put the difference a little below 0.
        spread = (mean_square - self.variance_focus * mean.square()).clamp(min=0)
        return self.loss_weight * ((spread + _EPS).sqrt() - _EPS**0.5)


@MODELS.register_module()
class RelativeLoss(nn.Module):
    """Mean of |pred - gt| / gt over all valid pixels: AbsRel (Eigen et al., NeurIPS 2014).

    It fixes the scale, which `ScaleInvariantLogLoss` leaves nearly free, and where the network is not sure it prefers
    the nearer depth, as the metric does.

    Args:
        loss_weight: multiplies the loss.

    Raises:
        InputError: the argument is wrong.
    """

    name = "relative"
    compares = "depth"

    @validate_arguments
    def __init__(self, loss_weight: NotNegative = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, gt: Tensor, valid: Tensor) -> Tensor:
        """Return the scalar loss; it is 0 with a zero gradient when no pixel is valid."""
        one = torch.ones((), dtype=pred.dtype, device=pred.device)
        gt = torch.where(valid, gt.to(pred.dtype), one)
        error = torch.where(valid, pred, one).sub(gt).abs() / gt
        return self.loss_weight * error.sum() / valid.sum().clamp(min=1)


@MODELS.register_module()
class GradientLoss(nn.Module):
    """Multi-scale gradient matching on log depth (MegaDepth, Li and Snavely, CVPR 2018).

    It puts edges at the right place.

    Args:
        scales: number of scales, each every second pixel of the one before.
        loss_weight: multiplies the loss.

    Raises:
        InputError: an argument is wrong.
    """

    name = "gradient"
    compares = "depth"

    @validate_arguments
    def __init__(self, scales: Count = 4, loss_weight: NotNegative = 0.5) -> None:
        super().__init__()
        self.scales = scales
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, gt: Tensor, valid: Tensor) -> Tensor:
        """Return the scalar loss: the mean over scales of the mean absolute gradient in valid pairs."""
        return self.loss_weight * gradient_matching(log_difference(pred, gt, valid), valid, self.scales)


def gradient_matching(error: Tensor, valid: Tensor, scales: int) -> Tensor:
    """Return the mean over scales of the mean absolute gradient of an error in valid pairs of pixels.

    Args:
        error: (B, 1, H, W).
        valid: boolean, of the same shape.
        scales: number of scales, each every second pixel of the one before.
    """
    total = error.new_zeros(())
    for scale in range(scales):
        step = 2**scale
        e, v = error[..., ::step, ::step], valid[..., ::step, ::step]
        vertical = (e[..., 1:, :] - e[..., :-1, :]).abs(), v[..., 1:, :] & v[..., :-1, :]
        horizontal = (e[..., 1:] - e[..., :-1]).abs(), v[..., 1:] & v[..., :-1]
        for difference, both in (vertical, horizontal):
            total = total + (difference * both).sum() / both.sum().clamp(min=1)
    return total / scales
