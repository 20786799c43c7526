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
    that vary. So the sides are tensors here: scalars on the CPU in double precision, rounded when torch rounds.
    """
    old = patches.shape[:2]
    sides = [torch.arange(n, device="cpu", dtype=torch.double)[-1] + 1 for n in new]
    offset = torch.where((sides[0] == old[0]) & (sides[1] == old[1]), 0.0, _OFFSET)
    for n, side, length in zip(new, sides, old, strict=True):
        places = torch.arange(n, device=patches.device, dtype=patches.dtype)
        patches = _cubic_rows(patches, (length / (side + offset)).float() * (places + 0.5) - 0.5).transpose(0, 1)
    return patches


def _cubic_rows(rows: Tensor, centres: Tensor) -> Tensor:
    """Interpolate between rows (n, m, C) at `centres` (k,), by cubic convolution; rows beyond the ends repeat them."""
    first = centres.floor() - 1
    found = 0.0
    for tap in range(4):  # not a product of matrices: autocast would round it
        index = first + tap
        chosen = rows[index.long().clamp(0, rows.shape[0] - 1)]
        found = found + chosen * _cubic((centres - index).abs())[:, None, None]
    return found


def _cubic(x: Tensor) -> Tensor:
    """Return the weights of points at distances `x`, 0 to 2 (Keys, 1981)."""
    near = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1
    far = ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC
    return torch.where(x <= 1, near, far)
