"""The two layers of a ToSA pair: a standard one, and a token selective one.

Both are timm's transformer block with timm's parameter names, so that DeiT weights load unchanged.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import Block
from torch import Tensor

from depthkit.models.layers.attention import attend, project_keys_and_values, project_out, project_queries
from depthkit.models.layers.branches import add_attention, add_mlp, add_update
from depthkit.models.layers.head_sets import HeadSets, project_qkv_per_head, project_queries_per_head
from depthkit.models.layers.neighbours import even_pattern, follow_neighbours, neighbour_weights
from depthkit.models.layers.pair_state import PairState
from depthkit.models.layers.selector import (
    Importance,
    ScoreRows,
    SelectorLayers,
    TokenSelector,
    first_in_line,
    importance,
    num_kept,
    score_queries,
    selector_loss,
    top_patches,
)
from depthkit.models.layers.tokens import restore, select
from depthkit.models.layers.update_head import UpdateHead, update_loss

Selection = Literal["per_head", "shared"]
Keys = Literal["attended", "all"]
Skipped = Literal["unchanged", "neighbours", "similar"]

# Rows of the attention map on which the selector is compared with the truth in training.
_LOSS_ROWS = 16


class StandardBlock(Block):
    """A transformer layer (timm's `Block`) after which the tokens for the second of the pair are chosen."""

    def forward(self, x: Tensor, state: PairState) -> Tensor:
        """Turn tokens (B, N, C) into tokens (B, N, C)."""
        before = x
        x, q, k = add_attention(self, x)
        # Chosen here and not in the second layer, so that queries and keys need not live through the MLP, where
        # they would raise the peak of memory.
        by_update = state.second is not None and state.second.ranks_by_update
        if state.second is not None and not by_update:
            state.index = state.second.choose(q, k, state)
        if state.with_loss and not by_update:
            # Top-k passes no gradient, and the selector's loss must train the selector alone.
            state.query, state.key = q.detach(), k.detach()
        del q, k
        x = add_mlp(self, x)
        if by_update:
            norms = (x - before).detach().norm(dim=-1)
            state.index = state.second.choose_by_update(x, norms, state)
            state.update = norms if state.with_loss else None
        return x


class SelectiveBlock(Block):
    """A token selective transformer layer: chosen tokens attend to each other, all others skip it.

    ToSA (arXiv 2406.08816), figures 1b and 2. With ``selection='per_head'`` (figure 2) each head has its own
    set; a head adds nothing to the tokens that it skipped, and tokens that no head attends leave the layer
    unchanged. With ``selection='shared'`` (our static-shape form) all heads use one set from their mean importance,
    and the complete layer runs on those tokens only.

    Args:
        dim: channels C of a token.
        num_heads: attention heads H.
        keep_rate: fraction of the patches to attend, in (0, 1].
        follows: the layer before is token selective too: this one attends its tokens, and has nothing to learn.
        selection: ``per_head`` or ``shared``.
        score_rows, score_stride: see `score_queries`.
        cls_token_weight: see `importance`.
        selector_layers: see `TokenSelector`.
        importance: see `ToSA`, like the next two.
        keys: ``attended`` or ``all``.
        coverage: tokens that skipped the token selective layer before are first in line.
        skipped: ``unchanged``, ``neighbours`` or ``similar``, see `ToSA`.
        **block: further arguments of timm's `Block`.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        keep_rate: float,
        follows: bool,
        selection: Selection,
        score_rows: ScoreRows,
        score_stride: int,
        cls_token_weight: float | None,
        selector_layers: SelectorLayers,
        importance: Importance,
        keys: Keys,
        coverage: bool,
        skipped: Skipped,
        **block,
    ) -> None:
        super().__init__(dim, num_heads, **block)
        self.follows = follows
        self.learns = importance in ("attention", "predicted_update") and not follows
        if importance == "predicted_update" and self.learns:
            self.selector = UpdateHead(dim)
        else:
            self.selector = TokenSelector(num_heads, selector_layers if self.learns else 0)
        self.keep_rate = keep_rate
        self.selection = selection
        self.score_rows = score_rows
        self.score_stride = score_stride
        self.cls_token_weight = cls_token_weight
        self.importance = importance
        self.keys = keys
        self.coverage = coverage
        self.skipped = skipped

    def forward(self, x: Tensor, state: PairState) -> Tensor:
        """Turn tokens (B, N, C) into such, or into those that attend, (B, T, C), where `state` says so.

        Bypassed tokens are bit-identical, unless they follow their neighbours.
        """
        index = state.index
        if index is not None and not self.follows and self.skipped != "unchanged":
            state.weights = neighbour_weights(x, index[:, 0], state.grid, self.skipped == "similar")
        if index is None or (state.gathered and self.follows):
            out, q, k = self._forward_dense(x)
        elif self.selection == "shared" and self.keys == "all":
            out, q, k = self._forward_queries(x, index[:, 0])
        elif self.selection == "shared":
            out, q, k = self._forward_dense(select(x, index[:, 0]))
            out = out if state.gathered else restore(x, out, index[:, 0])
        else:
            out, q, k = self._forward_per_head(x, index)
        if state.with_loss and self.ranks_by_update:
            state.loss = self._update_loss(state, x, out)
        elif state.with_loss:
            state.loss = self._loss(state, q, k)
        return out if state.gathered or state.weights is None else follow_neighbours(x, out, state.weights)

    def can_gather(self, state: PairState) -> bool:
        """Whether the attended tokens alone may be handed on: such layers need no others, and no loss does."""
        shared = self.selection == "shared" and self.keys == "attended"
        return shared and state.index is not None and not state.with_loss

    def give_back(self, before: Tensor, chosen: Tensor, state: PairState) -> Tensor:
        """Return all tokens (B, N, C) after layers side by side that handed on the attended ones.

        That is what they would have made of all tokens; updates of neighbours add up, since they are linear.

        Args:
            before: all tokens (B, N, C) before the first of these layers.
            chosen: the attended ones after the last (B, T, C).
            state: of the last.
        """
        after = restore(before, chosen, state.index[:, 0])
        return after if state.weights is None else follow_neighbours(before, after, state.weights)

    @property
    def ranks_by_update(self) -> bool:
        """Whether tokens are ranked by how much a layer changes them."""
        return self.importance in ("update", "predicted_update")

    @torch.no_grad()
    def choose(self, query: Tensor, key: Tensor, state: PairState) -> Tensor | None:
        """Choose the tokens to attend from queries and keys of the first layer, at random or evenly.

        Args:
            query: (B, H, N, d), prefix tokens first.
            key: as `query`.
            state: of this pair.

        Returns:
            Their indices, ascending: (B, 1, T) for ``shared``, (B, H, T) for ``per_head``; None for all tokens.
        """
        patches = state.grid[0] * state.grid[1]
        count, prefix = num_kept(self.keep_rate, patches), key.shape[2] - patches
        if count == patches:
            return None
        if self.importance == "even":
            pattern = F.pad(even_pattern(state.grid, key.device), (prefix, 0))
            scores = pattern.expand(key.shape[0], 1, -1)
        elif self.importance == "random":
            sets = 1 if self.selection == "shared" else key.shape[1]
            scores = torch.rand(key.shape[0], sets, key.shape[2], device=key.device)
        else:
            rows = score_queries(query, state.grid, self.score_rows, self.score_stride)
            scores = self.scores(self.selector(rows * self.attn.scale @ key.transpose(-2, -1)), prefix)
        return self._top(scores, count, prefix, state)

    @torch.no_grad()
    def choose_by_update(self, x: Tensor, norms: Tensor, state: PairState) -> Tensor | None:
        """Choose as `choose` does, from tokens (B, N, C) and norms (B, N) of the first layer's update."""
        patches = state.grid[0] * state.grid[1]
        count, prefix = num_kept(self.keep_rate, patches), x.shape[1] - patches
        if count == patches:
            return None
        scores = norms if self.importance == "update" else self.selector(x, norms).exp()
        return self._top(scores.unsqueeze(1), count, prefix, state)

    def top(self, maps: Tensor, count: int, prefix: int) -> Tensor:
        """Return the `prefix` tokens and the `count` most important patches as indices (B, 1 or H, T).

        Args:
            maps: pre-softmax maps (B, H, R, N), rows and columns of the prefix tokens first.
            count: number of patches.
            prefix: number of prefix tokens.
        """
        return top_patches(self.scores(maps, prefix), count, prefix)

    def scores(self, maps: Tensor, prefix: int) -> Tensor:
        """Return the attention that each token receives (B, 1 or H, N), from maps as `top` takes them."""
        scores = importance(maps, prefix, self.cls_token_weight)
        return scores.mean(dim=1, keepdim=True) if self.selection == "shared" else scores

    def _top(self, scores: Tensor, count: int, prefix: int, state: PairState) -> Tensor:
        attended = state.attended_before if self.coverage else None
        return top_patches(first_in_line(scores, attended), count, prefix)

    def _forward_dense(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, q, k = add_attention(self, x)
        return add_mlp(self, x), q, k

    def _forward_queries(self, x: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Run the layer on the tokens at `index` (B, T), with the keys and values of all tokens (B, N, C)."""
        normed = self.norm1(x)
        q, k, v = project_queries(self.attn, select(normed, index)), *project_keys_and_values(self.attn, normed)
        update = self.drop_path1(self.ls1(project_out(self.attn, attend(self.attn, q, k, v))))
        return restore(x, add_mlp(self, add_update(select(x, index), update)), index), q, k

    def _forward_per_head(self, x: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        sets = HeadSets(index, x.shape[1])
        normed = self.norm1(x)
        if self.keys == "all":
            q = project_queries_per_head(self.attn, normed.flatten(0, 1), sets)
            k, v = project_keys_and_values(self.attn, normed)
        else:
            q, k, v = project_qkv_per_head(self.attn, normed.flatten(0, 1), sets)
        joined = sets.join(attend(self.attn, q, k, v))
        # Only the tokens that some head attends, of all images side by side, have an update.
        flat = x.flatten(0, 1)
        union = flat.index_select(0, sets.union)
        update = self.attn.proj_drop(self.attn.proj(self.attn.norm(joined)))
        union = add_update(union, sets.drop_path(self.drop_path1, self.ls1(update)))
        union = add_update(union, sets.drop_path(self.drop_path2, self.ls2(self.mlp(self.norm2(union)))))
        return flat.index_copy(0, sets.union, union.to(x.dtype)).view_as(x), q, k

    def _update_loss(self, state: PairState, x: Tensor, out: Tensor) -> Tensor:
        """Return the error of the predicted updates of the attended tokens (B, N, C), given `out`."""
        predicted, update = self.selector(x.detach(), state.update), out - x
        if state.index is not None:
            index = state.index[:, 0]
            predicted, update = predicted.gather(1, index), select(update, index)
        return update_loss(predicted, update)

    def _loss(self, state: PairState, query: Tensor, key: Tensor) -> Tensor:
        """Return the KL divergence of predicted from true attention among the attended tokens.

        It is taken on about `_LOSS_ROWS` of their rows.

        Args:
            state: of this pair; its index has H sets for ``per_head``, 1 for ``shared``.
            query: this layer's queries of the attended tokens, (B, H, T, d).
            key: its keys, (B, H, T, d), or those of all tokens (B, H, N, d) as `keys` says.
        """
        index = state.index
        if index is None:
            index = torch.arange(key.shape[2], device=key.device).expand(key.shape[0], 1, -1)
        step = max(1, index.shape[-1] // _LOSS_ROWS)
        rows = index[..., ::step]
        sets, heads, dim = index.shape[1], state.key.shape[1], state.key.shape[3]
        # (B, S, H, R, d): for each set, the same rows of every head, because the selector mixes heads.
        row_index = rows[:, :, None, :, None].expand(-1, -1, heads, -1, dim)
        source = state.query[:, None].expand(-1, sets, -1, -1, -1).gather(3, row_index)
        maps = source * self.attn.scale @ state.key[:, None].transpose(-2, -1)
        predicted = self.selector(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        predicted = predicted[:, 0] if sets == 1 else predicted.diagonal(dim1=1, dim2=2).movedim(-1, 1)
        if self.keys == "attended":
            predicted = predicted.gather(-1, index.unsqueeze(2).expand(-1, heads, predicted.shape[2], -1))
        true = query[:, :, ::step] * self.attn.scale @ key.transpose(-2, -1)
        return selector_loss(predicted, true)
