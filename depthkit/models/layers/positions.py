"""Resample a learned position table to the grid of an image, as the codes do that trained with it."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

PositionResampling = Literal["timm", "dinov2", "bicubic", "bilinear"]

# DINOv2 adds it to the grid before it divides by the table's side; weights were trained and published with it.
_OFFSET = 0.1
_CUBIC = -0.75  # the free parameter of cubic convolution, as in torch and OpenCV
_CUBIC_ANTIALIASED = -0.5  # as in Pillow, and in torch where it antialiases


def resample_positions(
    table: Tensor,
    old: tuple[int, int],
    new: tuple[int, int],
    rule: Literal["dinov2", "bicubic", "bilinear", "timm_products"],
) -> Tensor:
    """Resample the positions of patches; where the grids are equal they stay exactly as they are.

    Args:
        table: (1, P + h0 * w0, C), P positions of prefix tokens before those of the patches; P may be 0.
        old: (h0, w0) [patches], the table's grid.
        new: (h, w) [patches], the grid that is wanted.
        rule: ``dinov2``: bicubic, without antialiasing, by the factor ``(h + 0.1) / h0``, or 1 where both sides are
            those of the table (facebookresearch/dinov2, ``interpolate_pos_encoding``; Depth-Anything 1 to 3 do the
            same); ``bicubic``: without that offset, as transformers does since 2024 for the same weights;
            ``bilinear``: as DPT and MiDaS 3 (isl-org/DPT, ``_resize_pos_embed``); ``timm_products``: what timm does,
            bicubic with antialiasing, but for rounding, for graphs: some runtimes read torch's own form of it without
            the antialiasing.

    Returns:
        (1, P + h * w, C).
    """
    count = old[0] * old[1]
    prefix, patches = table[:, :-count], table[0, -count:].float().unflatten(0, old)
    if rule in ("dinov2", "timm_products"):
        patches = _by_products(patches, new, with_offset=rule == "dinov2")
    else:
        patches = _interpolate(patches, new, rule)
    return torch.cat([prefix, patches.flatten(0, 1)[None].to(table.dtype)], dim=1)


def _interpolate(patches: Tensor, new: tuple[int, int], mode: str) -> Tensor:
    channels_first = patches.permute(2, 0, 1)[None]
    return F.interpolate(channels_first, size=tuple(new), mode=mode, align_corners=False)[0].permute(1, 2, 0)


def _by_products(patches: Tensor, new: tuple[int, int], with_offset: bool) -> Tensor:
    """Resample (h0, w0, C) to (h, w, C).

    `F.interpolate` takes a size or a factor, and the offset needs both; given the factor, it could not be exported for
    sizes that vary. So the sides are tensors here: scalars on the CPU in double precision, rounded when torch rounds.
    Rows and columns as products of matrices also take a fifth of the time.
    """
    old = patches.shape[:2]
    sides = [torch.arange(n, device="cpu", dtype=torch.double)[-1] + 1 for n in new]
    offset = torch.where((sides[0] == old[0]) & (sides[1] == old[1]), 0.0, _OFFSET)
    with torch.autocast(patches.device.type, enabled=False):
        for n, side, length in zip(new, sides, old, strict=True):
            places = torch.arange(n, device=patches.device, dtype=patches.dtype)
            if with_offset:
                weights = _cubic_weights((length / (side + offset)).float() * (places + 0.5) - 0.5, length)
            else:
                weights = _antialiased_weights((length / side).float(), places + 0.5, length)
            patches = (weights @ patches.flatten(1)).unflatten(1, patches.shape[1:]).transpose(0, 1)
    return patches


def _antialiased_weights(scale: Tensor, places: Tensor, length: int) -> Tensor:
    """Return the weights (k, length) of timm's rule at `places` (k,): points beyond the ends do not count."""
    points = torch.arange(length, device=places.device) + 0.5
    weights = _cubic((scale * places[:, None] - points).abs() / scale.clamp(min=1), _CUBIC_ANTIALIASED)
    return weights / weights.sum(dim=1, keepdim=True)


def _cubic_weights(centres: Tensor, length: int) -> Tensor:
    """Return what each of `length` points weighs at `centres` (k,): (k, length).

    By cubic convolution (Keys, IEEE Transactions on Acoustics, Speech, and Signal Processing, 1981). Points beyond the
    ends repeat the last ones; `centres` lie at most one half beyond them.
    """
    points = torch.arange(-2, length + 2, device=centres.device)
    weights = _cubic((centres[:, None] - points).abs(), _CUBIC)
    return weights @ F.one_hot(points.clamp(0, length - 1), length).to(weights.dtype)


def _cubic(x: Tensor, a: float) -> Tensor:
    """Return what a point at the distance `x` weighs by cubic convolution with the free parameter `a`."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))
