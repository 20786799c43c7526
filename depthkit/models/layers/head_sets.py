"""Attention heads that each have their own tokens: the rows of these, and their projections."""

import torch
from torch import Tensor, nn


class HeadSets:
    """The token sets of H heads in B images, as rows of the tokens of all images side by side, (B * N, C).

    Args:
        index: tokens of each head, (B, H, T), ascending within a set.
        count: number N of tokens of an image.

    Attributes:
        batch, heads: B and H.
        rows: (H, B * T): the rows of each head, image after image.
        union: (U,): rows that some head attends, ascending.
    """

    def __init__(self, index: Tensor, count: int) -> None:
        self.batch, self.heads = index.shape[:2]
        start = torch.arange(self.batch, device=index.device) * count
        self.rows = (index + start[:, None, None]).transpose(0, 1).flatten(1)
        attended = torch.zeros(self.batch * count, dtype=torch.bool, device=index.device)
        attended[self.rows.flatten()] = True
        self.union = attended.nonzero().squeeze(1)
        self._place = attended.cumsum(0) - 1  # of each row in the union
        self._count = count

    def join(self, x: Tensor) -> Tensor:
        """Put heads (B, H, T, d) side by side for the union's tokens, (U, H * d), with zeros for skipped ones."""
        head = torch.arange(self.heads, device=x.device).unsqueeze(1)
        place = (self._place[self.rows] * self.heads + head).flatten()
        joined = x.new_zeros(self.union.shape[0] * self.heads, x.shape[3])
        return joined.index_copy(0, place, x.transpose(0, 1).flatten(0, 2)).view(self.union.shape[0], -1)

    def drop_path(self, drop: nn.Module, update: Tensor) -> Tensor:
        """Apply stochastic depth `drop` to the union's update (U, C): images, not tokens, are dropped."""
        if isinstance(drop, nn.Identity):
            return update
        kept = drop(update.new_ones(self.batch, 1))
        return update * kept.index_select(0, self.union // self._count)


def project_qkv_per_head(attn: nn.Module, x: Tensor, sets: HeadSets) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values, each (B, H, T, d), of normalised tokens (B * N, C).

    Only what a head attends is projected for it: K / N of the multiply-accumulates of a full projection.
    """
    q, k, v = _project(attn, x, sets, 3)
    return attn.q_norm(q), attn.k_norm(k), v


def project_queries_per_head(attn: nn.Module, x: Tensor, sets: HeadSets) -> Tensor:
    """Return the queries alone, as `project_qkv_per_head` does."""
    (q,) = _project(attn, x, sets, 1)
    return attn.q_norm(q)


def _project(attn: nn.Module, x: Tensor, sets: HeadSets, count: int) -> tuple[Tensor, ...]:
    """Return the first `count` of queries, keys and values."""
    tokens = x.index_select(0, sets.rows.flatten()).unflatten(0, sets.rows.shape)
    # Of (q, k, v), heads, d outputs to a matrix for each head.
    split = (3, sets.heads, attn.head_dim)
    weight = attn.qkv.weight.unflatten(0, split)[:count].transpose(0, 1).flatten(1, 2)
    if attn.qkv.bias is None:
        projected = torch.bmm(tokens, weight.transpose(1, 2))
    else:
        bias = attn.qkv.bias.unflatten(0, split)[:count].transpose(0, 1).flatten(1).unsqueeze(1)
        projected = torch.baddbmm(bias, tokens, weight.transpose(1, 2))
    # (H, B * T, count * d) to `count` of (B, H, T, d).
    return projected.unflatten(1, (sets.batch, -1)).unflatten(-1, (count, -1)).permute(3, 1, 0, 2, 4).unbind(0)
