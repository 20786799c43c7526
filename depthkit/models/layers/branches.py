"""The two branches of a transformer layer of timm's, each added to the tokens."""

import torch
from timm.models.vision_transformer import Block
from torch import Tensor

from depthkit.models.layers.attention import attend, project_out, project_qkv


def add_update(x: Tensor, update: Tensor) -> Tensor:
    """Add a branch's fresh output to tokens; in the memory of that output where gradients are off."""
    if torch.is_grad_enabled() or update.dtype != x.dtype:
        return x + update
    return update.add_(x)


def add_mlp(block: Block, x: Tensor) -> Tensor:
    """Run the second half of a layer: return tokens (B, N, C) with the MLP's output added."""
    return add_update(x, block.drop_path2(block.ls2(block.mlp(block.norm2(x)))))


def add_attention(block: Block, x: Tensor, bias: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Run the first half of a layer: return tokens (B, N, C), and queries and keys (B, H, N, d).

    `bias` is that of `attend`.
    """
    q, k, v = project_qkv(block.attn, block.norm1(x))
    update = block.drop_path1(block.ls1(project_out(block.attn, attend(block.attn, q, k, v, bias))))
    return add_update(x, update), q, k
