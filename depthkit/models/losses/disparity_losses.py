"""Losses on disparities (B, 1, H, W) that are known up to a scale and a shift of each image."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from depthkit.models.losses.depth_losses import gradient_matching
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, NotNegative, validate_arguments

# A smaller mean distance from the median counts as this one: that of a constant is 0.
_EPS = 1e-6


def normalise(disparity: Tensor, valid: Tensor) -> Tensor:
    """Take the scale and the shift out of each image: ``(d - median(d)) / mean(|d - median(d)|)``.

    Ranftl et al., TPAMI 2022, section 5, equations 5 and 6. It stays the same when d becomes a*d + b with a > 0.

    Args:
        disparity: (B, 1, H, W).
        valid: boolean, of the same shape; only these pixels count.

    Returns:
        (B, 1, H, W), float32, 0 where invalid. An image without a valid pixel, or of one value, becomes 0.
    """
    flat, known = disparity.flatten(1).float(), valid.flatten(1)
    median = flat.masked_fill(~known, float("nan")).nanmedian(dim=1, keepdim=True).values
    centred = torch.where(known, flat - median, 0.0)
    spread = centred.abs().sum(dim=1, keepdim=True) / known.sum(dim=1, keepdim=True).clamp(min=1)
    return (centred / spread.clamp(min=_EPS)).view_as(disparity)


@MODELS.register_module()
class ScaleShiftInvariantLoss(nn.Module):
    """Scale- and shift-invariant loss of MiDaS (Ranftl et al., TPAMI 2022, section 5, equations 5 to 7).

    ``loss_weight / (2 M) * sum |n(pred) - n(gt)|`` over the M valid pixels of each image, n from `normalise`; then the
    mean over images.

    Args:
        trim: fraction of the pixels of each image, those with the largest differences, that are left out: 0.2 in MiDaS
            for measured depth; Depth Anything V2 leaves out 0.1 of a teacher's (Yang et al., NeurIPS 2024).
        loss_weight: multiplies the loss.

    Raises:
        InputError: an argument is wrong.
    """

    name = "ssi"
    compares = "disparity"

    @validate_arguments
    def __init__(self, trim: Annotated[float, Field(ge=0, lt=1)] = 0.0, loss_weight: NotNegative = 1.0) -> None:
        super().__init__()
        self.trim = trim
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, gt: Tensor, valid: Tensor) -> Tensor:
        """Return the scalar loss; it is 0 with a zero gradient when no pixel is valid."""
        difference = (normalise(pred, valid) - normalise(gt, valid)).abs().flatten(1)
        known = valid.flatten(1)
        count = known.sum(dim=1)
        if self.trim:
            # Sorted, with what is invalid behind everything else.
            difference = difference.masked_fill(~known, float("inf")).sort(dim=1).values
            rank = torch.arange(difference.shape[1], device=difference.device)
            known = rank < ((1 - self.trim) * count).floor()[:, None]
        total = torch.where(known, difference, 0.0).sum(dim=1) / (2 * count.clamp(min=1))
        return self.loss_weight * total.sum() / (count > 0).sum().clamp(min=1)


@MODELS.register_module()
class AlignedGradientLoss(nn.Module):
    """Multi-scale gradient matching on normalised disparities (Ranftl et al., TPAMI 2022, section 5).

    Their equation 11 with means in place of sums: the mean over scales of the mean absolute gradient of
    ``n(pred) - n(gt)``, n from `normalise`.

    Args:
        scales: number of scales, each every second pixel of the one before; 4 in MiDaS.
        loss_weight: multiplies the loss; 0.5 in MiDaS.

    Raises:
        InputError: an argument is wrong.
    """

    name = "gradient"
    compares = "disparity"

    @validate_arguments
    def __init__(self, scales: Count = 4, loss_weight: NotNegative = 0.5) -> None:
        super().__init__()
        self.scales = scales
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, gt: Tensor, valid: Tensor) -> Tensor:
        """Return the scalar loss; it is 0 with a zero gradient when no pixel is valid."""
        error = normalise(pred, valid) - normalise(gt, valid)
        return self.loss_weight * gradient_matching(error, valid, self.scales)
