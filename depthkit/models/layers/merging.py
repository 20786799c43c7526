"""Merging similar tokens and spreading them out again, as ToMe does.

ToMe: Bolya et al., ICLR 2023, arXiv 2210.09461. Written from the paper, section 3. Where it leaves a choice, this file
says what ours is.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from depthkit.models.layers.tokens import select

_BEHIND = 2**31 - 1  # behind every place; a constant, because ONNX cannot scatter a number that depends on the image


def match(metric: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Match `count` tokens with the most similar ones, so that no token is in two pairs as the first.

    Bipartite soft matching (section 3, "Bipartite Soft Matching"): the tokens are split alternately into A and B; each
    of A is matched with the one of B that is most similar (cosine); the `count` most similar pairs stay.

    Args:
        metric: features of the tokens (B, n, d); the paper's choice is the keys, mean over heads.
        count: at most half of n, rounded up.

    Returns:
        Indices (B, count) of the tokens of A, all different, and of their partners in B, some perhaps equal.
    """
    metric = F.normalize(metric, dim=-1)
    similarity, partner = (metric[:, ::2] @ metric[:, 1::2].transpose(1, 2)).max(dim=-1)
    chosen = similarity.topk(count, dim=-1).indices
    return 2 * chosen, 2 * partner.gather(1, chosen) + 1


def merge(
    tokens: Tensor, sizes: Tensor | None, metric: Tensor, count: int, prefix: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Merge `count` patches into others: a merged token is the mean of all that it stands for.

    The tokens that are left stay in the order of the grid (ours), so that neighbours alternate between A and B in every
    layer.

    Args:
        tokens: prefix tokens, then patches, (B, prefix + m, C).
        sizes: number of patches that each token stands for, (B, prefix + m); None: all are 1.
        metric: features (B, prefix + m, d) by which patches are similar.
        count: at most half of m, rounded up.
        prefix: number of prefix tokens, which are never merged.

    Returns:
        The tokens (B, prefix + m - count, C) and sizes that are left, and for each token that there was the place of
        the one that now stands for it, (B, prefix + m).
    """
    source, target = (index + prefix for index in match(metric[:, prefix:], count))
    order = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape[0], -1)
    # The places of merged ones are moved behind all others, which stay in their order.
    kept = order.scatter(1, source, _BEHIND).sort(dim=1).values[:, : tokens.shape[1] - count]
    place = torch.zeros_like(order).scatter(1, kept, order[:, : kept.shape[1]])
    into = place.gather(1, target)
    before = torch.ones_like(order, dtype=torch.float32) if sizes is None else sizes
    after = before.gather(1, kept).scatter_add(1, into, before.gather(1, source))
    weighted = tokens * before[..., None]
    spread = into[..., None].expand(-1, -1, tokens.shape[2])
    total = select(weighted, kept).scatter_add(1, spread, select(weighted, source))
    return (total / after[..., None]).to(tokens.dtype), after, place.scatter(1, source, into)


@dataclass
class TokenGroups:
    """The groups of tokens that B images have been merged into, in one forward pass.

    Attributes:
        sizes: number of patches that each of the M tokens stands for, float32 (B, M); None before anything is merged.
        place: for each token of the grid the place of the one that stands for it, (B, N); None likewise.
    """

    sizes: Tensor | None = None
    place: Tensor | None = None

    def follow(self, sizes: Tensor, place: Tensor) -> None:
        """Record what `merge` returned."""
        self.sizes = sizes
        self.place = place if self.place is None else place.gather(1, self.place)

    def spread(self, tokens: Tensor) -> Tensor:
        """Return all tokens (B, N, C): the token (B, M, C) of each group at the places of all its members."""
        return tokens if self.place is None else select(tokens, self.place)
