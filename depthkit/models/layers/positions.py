"""Resample a learned position table to the grid of an image, as the codes do that trained with it."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

PositionResampling = Literal["timm", "dinov2", "bilinear"]

# DINOv2 adds it to the grid before it divides by the table's side; weights were trained and published with it.
_OFFSET = 0.1
_CUBIC = -0.75  # the free parameter of cubic convolution, as in torch and OpenCV


def resample_positions(
    table: Tensor, old: tuple[int, int], new: tuple[int, int], rule: Literal["dinov2", "bilinear"]
) -> Tensor:
    """Resample the positions of patches; where the grids are equal they stay exactly as they are.

    Args:
        table: (1, P + h0 * w0, C), P positions of prefix tokens before those of the patches; P may be 0.
        old: (h0, w0) [patches], the table's grid.
        new: (h, w) [patches], the grid that is wanted.
        rule: ``dinov2``: bicubic, without antialiasing, by the factor ``(h + 0.1) / h0``, or 1 where both sides are
            those of the table (facebookresearch/dinov2, ``interpolate_pos_encoding``; Depth-Anything 1 to 3 do the
            same); ``bilinear``: as DPT and MiDaS 3 (isl-org/DPT, ``_resize_pos_embed``).

    Returns:
        (1, P + h * w, C).
    """
    count = old[0] * old[1]
    prefix, patches = table[:, :-count], table[0, -count:].float().unflatten(0, old)
    patches = _bilinear(patches, new) if rule == "bilinear" else _bicubic_with_offset(patches, new)
    return torch.cat([prefix, patches.flatten(0, 1)[None].to(table.dtype)], dim=1)


def _bilinear(patches: Tensor, new: tuple[int, int]) -> Tensor:
    channels_first = patches.permute(2, 0, 1)[None]
    return F.interpolate(channels_first, size=tuple(new), mode="bilinear", align_corners=False)[0].permute(1, 2, 0)


def _bicubic_with_offset(patches: Tensor, new: tuple[int, int]) -> Tensor:
    """Resample (h0, w0, C) to (h, w, C).

    `F.interpolate` takes a size or a factor, and this needs both; given the factor, it could not be exported for sizes
    that vary. So the sides are tensors here: scalars on the CPU in double precision, rounded when torch rounds. Rows
    and columns as products of matrices also take a fifth of the time.
    """
    old = patches.shape[:2]
    sides = [torch.arange(n, device="cpu", dtype=torch.double)[-1] + 1 for n in new]
    offset = torch.where((sides[0] == old[0]) & (sides[1] == old[1]), 0.0, _OFFSET)
    with torch.autocast(patches.device.type, enabled=False):
        for n, side, length in zip(new, sides, old, strict=True):
            places = torch.arange(n, device=patches.device, dtype=patches.dtype)
            weights = _cubic_weights((length / (side + offset)).float() * (places + 0.5) - 0.5, length)
            patches = (weights @ patches.flatten(1)).unflatten(1, patches.shape[1:]).transpose(0, 1)
    return patches


def _cubic_weights(centres: Tensor, length: int) -> Tensor:
    """Return what each of `length` points weighs at `centres` (k,): (k, length).

    By cubic convolution (Keys, IEEE Transactions on Acoustics, Speech, and Signal Processing, 1981). Points beyond the
    ends repeat the last ones; `centres` lie at most one half beyond them.
    """
    points = torch.arange(-2, length + 2, device=centres.device)
    x = (centres[:, None] - points).abs()
    near = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1
    far = ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC
    weights = torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))
    return weights @ F.one_hot(points.clamp(0, length - 1), length).to(weights.dtype)
