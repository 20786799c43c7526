"""The parts of an attention of timm's: projections, and the product in between."""

import torch.nn.functional as F
from torch import Tensor, nn


def project_qkv(attn: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values, each (B, H, N, d), of normalised tokens (B, N, C)."""
    qkv = attn.qkv(x).unflatten(-1, (3, attn.num_heads, attn.head_dim)).permute(2, 0, 3, 1, 4)
    q, k, v = qkv.unbind(0)
    return attn.q_norm(q), attn.k_norm(k), v


def project_queries(attn: nn.Module, x: Tensor) -> Tensor:
    """Return queries (B, H, T, d) of normalised tokens (B, T, C)."""
    return attn.q_norm(_project(attn, x, slice(1))[0])


def project_keys_and_values(attn: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return keys and values, each (B, H, N, d), of normalised tokens (B, N, C)."""
    k, v = _project(attn, x, slice(1, 3))
    return attn.k_norm(k), v


def _project(attn: nn.Module, x: Tensor, parts: slice) -> Tensor:
    """Return some of queries, keys and values of normalised tokens (B, N, C), (parts, B, H, N, d)."""
    shape = (3, attn.num_heads * attn.head_dim)
    bias = None if attn.qkv.bias is None else attn.qkv.bias.unflatten(0, shape)[parts].flatten()
    projected = F.linear(x, attn.qkv.weight.unflatten(0, shape)[parts].flatten(0, 1), bias)
    return projected.unflatten(-1, (-1, attn.num_heads, attn.head_dim)).permute(2, 0, 3, 1, 4)


def attend(attn: nn.Module, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attend in each head over its own tokens (fused), (B, H, N, d) to (B, H, N, d).

    `bias` is added to the maps before the softmax.
    """
    bias = None if bias is None else bias.to(q.dtype)
    return F.scaled_dot_product_attention(q, k, v, bias, attn.attn_drop.p if attn.training else 0.0)


def project_out(attn: nn.Module, x: Tensor) -> Tensor:
    """Put heads (B, H, N, d) side by side and through the output projection, (B, N, C)."""
    return attn.proj_drop(attn.proj(attn.norm(x.transpose(1, 2).flatten(2))))
