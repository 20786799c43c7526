"""Selecting tokens and putting them back: a pure pair of functions on (B, N, C).

The pattern is ToMe's (Bolya et al., ICLR 2023): token reduction is one function that returns what to compute on
and one that restores the full set, so that a layer between them needs to know nothing of it.
"""

import torch
from torch import Tensor


def select(tokens: Tensor, index: Tensor) -> Tensor:
    """Gather tokens (B, N, C) at `index` (B, K): the K chosen tokens of each image, (B, K, C)."""
    return tokens.flatten(0, 1).index_select(0, _rows(index, tokens.shape[1])).unflatten(0, index.shape)


def restore(tokens: Tensor, chosen: Tensor, index: Tensor) -> Tensor:
    """Put `chosen` (B, K, C) at `index` (B, K) into a copy of `tokens` (B, N, C).

    Every token that `index` does not name is bit-identical to the one in `tokens`.
    """
    flat = tokens.flatten(0, 1).index_copy(0, _rows(index, tokens.shape[1]), chosen.flatten(0, 1))
    return flat.unflatten(0, tokens.shape[:2])


def _rows(index: Tensor, count: int) -> Tensor:
    """Index (B, K) within each image to rows (B * K) of the tokens of all images: copying rows is several times
    faster than gathering element by element."""
    start = torch.arange(index.shape[0], device=index.device) * count
    return (index + start.unsqueeze(1)).flatten()
