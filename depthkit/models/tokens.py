"""Selecting tokens and putting them back: a pure pair of functions on (B, N, C).

The pattern is ToMe's (Bolya et al., ICLR 2023): token reduction is one function that returns what to compute on
and one that restores the full set, so that a layer between them needs to know nothing of it.
"""

from torch import Tensor


def select(tokens: Tensor, index: Tensor) -> Tensor:
    """Gather tokens (B, N, C) at `index` (B, K): the K chosen tokens of each image, (B, K, C)."""
    return tokens.gather(1, index.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))


def restore(tokens: Tensor, chosen: Tensor, index: Tensor) -> Tensor:
    """Put `chosen` (B, K, C) at `index` (B, K) into a copy of `tokens` (B, N, C).

    Every token that `index` does not name is bit-identical to the one in `tokens`.
    """
    return tokens.scatter(1, index.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]), chosen)
