"""Where the tokens of an EViT come from in the image, followed through one forward pass."""

import torch
from torch import Tensor

from depthkit.models.layers.tokens import restore, select

FUSED = -1  # in place of a grid index: the token stands for several patches


class TokenTrace:
    """Follow the patches of B images through layers that keep some and drop or fuse the others.

    Args:
        batch: number B of images.
        patches: number n of patches of an image's grid.
        prefix: number P of prefix tokens before them.
        fuse: whether a layer that drops patches appends their fused token.
        device: of the tokens.

    Attributes:
        kept: for each reorganisation so far, the kept patches as indices (B, K) into the grid, row by row, in
            descending order of importance; `FUSED` (-1) for a fused token of an earlier layer.
    """

    def __init__(self, batch: int, patches: int, prefix: int, fuse: bool, device: torch.device) -> None:
        self.kept: list[Tensor] = []
        self._prefix = torch.arange(prefix, device=device).expand(batch, prefix)
        self._fuse = fuse
        # The grid index of each token, and for each patch of the grid the token that stands for it.
        self._position = self._token = torch.arange(patches, device=device).expand(batch, patches)
        self._left: Tensor | None = None  # without fusion: all tokens as they entered the last reorganisation

    def follow(self, tokens: Tensor, index: Tensor) -> None:
        """Record that a layer kept the patches `index` (B, K) of the `tokens` (B, P + m, C) that entered it."""
        kept = self._position.gather(1, index)
        self.kept.append(kept)
        if not self._fuse:
            self._left = self.restore(tokens)
            self._position = kept
            return
        count = index.shape[1]
        order = torch.arange(count, device=index.device).expand_as(index)
        moved_to = torch.full_like(self._position, count).scatter(1, index, order)  # the fused token: behind the kept
        self._token = moved_to.gather(1, self._token)
        self._position = torch.cat([kept, torch.full_like(kept[:, :1], FUSED)], dim=1)

    def restore(self, tokens: Tensor) -> Tensor:
        """Return all tokens (B, P + n, C).

        A removed patch gets the fused token of the layer that removed it, as that is now; where a later layer has
        fused this one too, that layer's. Without fusion it gets what it was when it entered the layer that
        removed it, unchanged.

        Args:
            tokens: those that are left after the last layer, (B, P + m, C).
        """
        if not self.kept:
            return tokens
        if self._fuse:
            return select(tokens, self._behind_prefix(self._token))
        if self._left is None:
            return tokens
        return restore(self._left, tokens, self._behind_prefix(self._position))

    def _behind_prefix(self, patches: Tensor) -> Tensor:
        return torch.cat([self._prefix, patches + self._prefix.shape[1]], dim=1)
