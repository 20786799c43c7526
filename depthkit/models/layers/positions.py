"""Resample a learned position table to the grid of an image, as the codes do that trained with it."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

PositionResampling = Literal["timm", "dinov2", "bilinear"]

# DINOv2 adds it to the grid before it divides by the table's side; weights were trained and published with it.
_OFFSET = 0.1


def resample_positions(
    table: Tensor, old: tuple[int, int], new: tuple[int, int], rule: Literal["dinov2", "bilinear"]
) -> Tensor:
    """Resample the positions of patches.

    Args:
        table: (1, P + h0 * w0, C), P positions of prefix tokens before those of the patches; P may be 0.
        old: (h0, w0) [patches], the table's grid.
        new: (h, w) [patches], the grid that is wanted.
        rule: ``dinov2``: bicubic, without antialiasing, with the scale ``(h + 0.1) / h0`` (Oquab et al.,
            ``interpolate_pos_encoding`` in facebookresearch/dinov2; Depth-Anything 1 to 3 do the same);
            ``bilinear``: as DPT and MiDaS 3 (isl-org/DPT, ``_resize_pos_embed``).

    Returns:
        (1, P + h * w, C); `table` itself where the grids are equal.
    """
    if tuple(new) == tuple(old):
        return table
    count = old[0] * old[1]
    prefix, patches = table[:, :-count], table[:, -count:]
    patches = patches.float().transpose(1, 2).unflatten(2, old)
    if rule == "bilinear":
        patches = F.interpolate(patches, size=new, mode="bilinear", align_corners=False)
    else:
        scale = tuple((n + _OFFSET) / o for n, o in zip(new, old, strict=True))
        patches = F.interpolate(patches, scale_factor=scale, mode="bicubic", align_corners=False)
    return torch.cat([prefix, patches.flatten(2).transpose(1, 2).to(table.dtype)], dim=1)
