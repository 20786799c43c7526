"""The two layers of a ToSA pair: a standard one that shows its queries and keys, and a token selective one.

Both are timm's transformer block with timm's parameter names, so that DeiT weights load unchanged.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from depthkit.models.selector import (
    TokenSelector,
    importance,
    num_attended,
    score_queries,
    selector_loss,
    top_patches,
)
from depthkit.models.tokens import restore, select

# Rows of the attention map on which the selector is compared with the truth in training.
_LOSS_ROWS = 16


@dataclass
class PairState:
    """What the two layers of a pair hand on beside the tokens, in one forward pass.

    Attributes:
        grid: (h, w) of the patches.
        with_loss: compute the selector's loss.
        query: queries (B, H, N, d) of the first layer, without gradient.
        key: its keys (B, H, N, d), without gradient.
        attended: the mask (B, H or 1, N) of tokens that attend in the second layer.
        loss: the selector's loss, a scalar.
    """

    grid: tuple[int, int]
    with_loss: bool
    query: Tensor | None = None
    key: Tensor | None = None
    attended: Tensor | None = None
    loss: Tensor | None = None


def project_qkv(attn: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each (B, H, N, d), of normalised tokens (B, N, C)."""
    qkv = attn.qkv(x).unflatten(-1, (3, attn.num_heads, attn.head_dim)).permute(2, 0, 3, 1, 4)
    q, k, v = qkv.unbind(0)
    return attn.q_norm(q), attn.k_norm(k), v


def attend(attn: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Fused attention of each head over its own tokens, (B, H, N, d) to (B, H, N, d)."""
    return F.scaled_dot_product_attention(q, k, v, dropout_p=attn.attn_drop.p if attn.training else 0.0)


def project_out(attn: nn.Module, x: Tensor) -> Tensor:
    """Heads (B, H, N, d) side by side and through the output projection, (B, N, C)."""
    return attn.proj_drop(attn.proj(attn.norm(x.transpose(1, 2).flatten(2))))


class StandardBlock(Block):
    """A transformer layer (timm's `Block`) that leaves its queries and keys for the second of the pair."""

    def forward(self, x: Tensor, state: PairState) -> Tensor:
        """Tokens (B, N, C) to tokens (B, N, C)."""
        q, k, v = project_qkv(self.attn, self.norm1(x))
        # Top-k passes no gradient, and the selector's loss shall train the selector alone.
        state.query, state.key = q.detach(), k.detach()
        x = x + self.drop_path1(self.ls1(project_out(self.attn, attend(self.attn, q, k, v))))
        return x + self.drop_path2(self.ls2(self.mlp(self.norm2(x))))


class SelectiveBlock(Block):
    """A token selective transformer layer: the chosen tokens attend to each other, the others bypass it.

    ToSA (arXiv 2406.08816), figures 1b and 2. With ``selection='per_head'`` (figure 2) each head has its own
    set; a head adds nothing to the tokens it skipped, and tokens that no head attends leave the layer as they
    came. With ``selection='shared'`` (our static-shape form) all heads use one set from their mean importance,
    and the whole layer runs on those tokens only.

    Args:
        dim: channels C of a token.
        num_heads: attention heads H.
        keep_rate: part of the patches to attend, in (0, 1].
        selection: ``per_head`` or ``shared``.
        score_rows, score_stride: see `depthkit.models.selector.score_queries`.
        **block: further arguments of timm's `Block`.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        keep_rate: float,
        selection: str,
        score_rows: str,
        score_stride: int,
        **block,
    ) -> None:
        super().__init__(dim, num_heads, **block)
        self.selector = TokenSelector(num_heads)
        self.keep_rate = keep_rate
        self.selection = selection
        self.score_rows = score_rows
        self.score_stride = score_stride

    def forward(self, x: Tensor, state: PairState) -> Tensor:
        """Tokens (B, N, C) to tokens (B, N, C); bypassed tokens are bit-identical."""
        index = self.choose(state)
        if index.shape[-1] == x.shape[1]:
            out, q, k = self._forward_dense(x)
        elif self.selection == "shared":
            chosen, q, k = self._forward_dense(select(x, index[:, 0]))
            out = restore(x, chosen, index[:, 0])
        else:
            out, q, k = self._forward_per_head(x, index)
        mask = torch.zeros(*index.shape[:2], x.shape[1], dtype=torch.bool, device=x.device)
        state.attended = mask.scatter(-1, index, True)
        if state.with_loss:
            state.loss = self._loss(state, index, q, k)
        if not torch.is_grad_enabled():
            # Else the queries and keys of all pairs would live to the end of the pass. Activation checkpointing
            # runs this layer again in the backward pass and needs them.
            state.query = state.key = None
        return out

    def choose(self, state: PairState) -> Tensor:
        """Indices of the tokens to attend, ascending: (B, 1, T) for ``shared``, (B, H, T) for ``per_head``."""
        batch, heads, tokens, _ = state.key.shape
        sets = 1 if self.selection == "shared" else heads
        patches = state.grid[0] * state.grid[1]
        count = num_attended(self.keep_rate, patches)
        if count == patches:
            return torch.arange(tokens, device=state.key.device).expand(batch, sets, tokens)
        query = score_queries(state.query, state.grid, self.score_rows, self.score_stride)
        with torch.no_grad():
            scores = importance(self.selector(query * self.attn.scale @ state.key.transpose(-2, -1)))
            if sets == 1:
                scores = scores.mean(dim=1, keepdim=True)
            return top_patches(scores, count, tokens - patches)

    def _forward_dense(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = project_qkv(self.attn, self.norm1(x))
        x = x + self.drop_path1(self.ls1(project_out(self.attn, attend(self.attn, q, k, v))))
        return x + self.drop_path2(self.ls2(self.mlp(self.norm2(x)))), q, k

    def _forward_per_head(self, x: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        per_head = index.unsqueeze(-1).expand(-1, -1, -1, self.attn.head_dim)
        q, k, v = (t.gather(2, per_head) for t in project_qkv(self.attn, self.norm1(x)))
        heads = x.new_zeros(x.shape[0], self.attn.num_heads, x.shape[1], self.attn.head_dim)
        heads = heads.scatter(2, per_head, attend(self.attn, q, k, v).to(x.dtype))
        attended = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
        attended.scatter_(1, index.flatten(1), True)
        mask = attended.unsqueeze(-1)
        x = torch.where(mask, x + self.drop_path1(self.ls1(project_out(self.attn, heads))), x)
        # The MLP is pointwise: run it on the attended tokens of all images, packed.
        packed = self.ls2(self.mlp(self.norm2(x[attended])))
        update = torch.zeros_like(x, dtype=packed.dtype).masked_scatter(mask, packed)
        return torch.where(mask, x + self.drop_path2(update), x), q, k

    def _loss(self, state: PairState, index: Tensor, query: Tensor, key: Tensor) -> Tensor:
        """KL of predicted and true attention among the attended tokens, on `_LOSS_ROWS` of their rows.

        Args:
            state: of this pair.
            index: attended tokens (B, S, T), S = H sets for ``per_head``, 1 for ``shared``.
            query: this layer's queries of the attended tokens, (B, H, T, d).
            key: its keys, (B, H, T, d).
        """
        step = max(1, index.shape[-1] // _LOSS_ROWS)
        rows = index[..., ::step]
        sets, heads, dim = index.shape[1], state.key.shape[1], state.key.shape[3]
        # (B, S, H, R, d): for each set, the same rows of every head, for the selector mixes heads.
        row_index = rows[:, :, None, :, None].expand(-1, -1, heads, -1, dim)
        source = state.query[:, None].expand(-1, sets, -1, -1, -1).gather(3, row_index)
        maps = source * self.attn.scale @ state.key[:, None].transpose(-2, -1)
        predicted = self.selector(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        predicted = predicted[:, 0] if sets == 1 else predicted.diagonal(dim1=1, dim2=2).movedim(-1, 1)
        columns = index.unsqueeze(2).expand(-1, heads, predicted.shape[2], -1)
        true = query[:, :, ::step] * self.attn.scale @ key.transpose(-2, -1)
        return selector_loss(predicted.gather(-1, columns), true)
