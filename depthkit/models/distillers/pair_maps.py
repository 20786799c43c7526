"""The attention maps of ToSA's pairs of layers: those that a selector sees, and those to predict."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.backbones import ToSA
from depthkit.models.layers.attention import project_qkv
from depthkit.models.layers.blocks import SelectiveBlock
from depthkit.models.layers.pair_state import PairState
from depthkit.models.layers.selector import num_kept, score_queries, selector_loss


@dataclass
class PairMaps:
    """Queries and keys of both layers of a pair, each (B, H, N, d), without gradient.

    Attributes:
        block: the second, token selective layer.
        grid: (h, w) of the patches.
        query, key: of the first layer.
        next_query, next_key: of the second one.
    """

    block: nn.Module
    grid: tuple[int, int]
    query: Tensor
    key: Tensor
    next_query: Tensor
    next_key: Tensor

    @property
    def prefix(self) -> int:
        """Number of prefix tokens."""
        return self.key.shape[2] - self.grid[0] * self.grid[1]

    def current(self, query: Tensor) -> Tensor:
        """Return pre-softmax maps (B, H, R, N) of the first layer for its queries (B, H, R, d)."""
        return query * self.block.attn.scale @ self.key.transpose(-2, -1)

    def following(self, query: Tensor) -> Tensor:
        """Return the true maps: pre-softmax (B, H, R, N) of the second layer for its queries (B, H, R, d)."""
        return query * self.block.attn.scale @ self.next_key.transpose(-2, -1)

    def loss(self, rows: Tensor) -> Tensor:
        """Return the selector's KL divergence on some rows (R,) of the maps.

        Its gradient reaches the selector only.
        """
        predicted = self.block.selector(self.current(self.query[:, :, rows]))
        return selector_loss(predicted, self.following(self.next_query[:, :, rows]))

    def divergence(self, with_selector: bool) -> Tensor:
        """Return the KL divergence (B,) of the prediction from the truth over all rows.

        Without `with_selector` the current map is the prediction.
        """
        maps = self.current(self.query)
        predicted = self.block.selector(maps) if with_selector else maps
        true = self.following(self.next_query)
        return torch.stack([selector_loss(p[None], t[None]) for p, t in zip(predicted, true, strict=True)])

    def found(self, keep_rate: float, with_selector: bool) -> Tensor:
        """Return the fraction (B,) of the oracle's choice that is chosen.

        The oracle ranks by the true map of the second layer. The choice is made as the layer makes it: from its score
        rows, for each head, or once for all of them.
        """
        query = score_queries(self.query, self.grid, self.block.score_rows, self.block.score_stride)
        maps = self.current(query)
        chosen = self._choose(self.block.selector(maps) if with_selector else maps, keep_rate)
        oracle = self._choose(self.following(self.next_query), keep_rate)
        return (chosen & oracle).flatten(1).sum(1) / oracle.flatten(1).sum(1)

    def _choose(self, maps: Tensor, keep_rate: float) -> Tensor:
        """Turn maps (B, H, R, N) into a mask (B, H or 1, patches) of the most important patches."""
        count = num_kept(keep_rate, self.grid[0] * self.grid[1])
        index = self.block.top(maps, count, self.prefix)
        mask = torch.zeros(*index.shape[:2], maps.shape[-1], dtype=torch.bool, device=maps.device)
        return mask.scatter(-1, index, True)[..., self.prefix :]


@torch.no_grad()
def read_pair_maps(model: ToSA, images: Tensor) -> list[PairMaps]:
    """Run `model` on normalised images (B, 3, H, W) and return the maps of each pair that chooses tokens.

    The layers run with the model's own keep rate; set that to 1 to read the dense model's maps.

    Raises:
        InputError: the model does not choose by attention, so no map is predicted.
    """
    for block in model.choosing_blocks:
        if block.importance != "attention":
            raise InputError(
                f"importance='{block.importance}': has no selector that predicts attention; expected a ToSA with "
                "importance='attention'"
            )
    seen: list[tuple[Tensor, Tensor]] = []
    found: list[PairMaps] = []

    def read(block: nn.Module, arguments: tuple[Tensor, PairState]) -> None:
        tokens, pair = arguments
        seen.append(project_qkv(block.attn, block.norm1(tokens))[:2])
        if isinstance(block, SelectiveBlock) and not block.follows:
            found.append(PairMaps(block, pair.grid, *seen[-2], *seen[-1]))

    hooks = [block.register_forward_pre_hook(read) for block in model.blocks]
    try:
        model.forward_features(images)
    finally:
        for hook in hooks:
            hook.remove()
    return found
