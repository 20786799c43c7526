"""Selecting tokens and putting them back: pure functions on (B, N, C).

The pattern is ToMe's (Bolya et al., ICLR 2023): one function returns the tokens to compute on, another restores the
full set, so that a layer between them needs to know nothing of it.
"""

import torch
from torch import Tensor


def select(tokens: Tensor, index: Tensor) -> Tensor:
    """Gather tokens (B, N, C) at `index` (B, K): the K chosen tokens of each image, (B, K, C)."""
    return tokens.flatten(0, 1).index_select(0, _rows(index, tokens.shape[1])).unflatten(0, index.shape)


def restore(tokens: Tensor, chosen: Tensor, index: Tensor) -> Tensor:
    """Put chosen tokens back into a copy of all tokens.

    Args:
        tokens: all of them, (B, N, C).
        chosen: the new values of some, (B, K, C).
        index: where these belong, (B, K).

    Returns:
        (B, N, C); every token that `index` does not name is bit-identical to the one in `tokens`.
    """
    flat = tokens.flatten(0, 1).index_copy(0, _rows(index, tokens.shape[1]), chosen.flatten(0, 1))
    return flat.unflatten(0, tokens.shape[:2])


def keep_top(tokens: Tensor, scores: Tensor, count: int, prefix: int, fuse: bool) -> tuple[Tensor, Tensor]:
    """Keep the `count` patches with the highest scores, as EViT does (arXiv 2202.07800, section 3).

    Args:
        tokens: prefix tokens, then patches, (B, prefix + n, C).
        scores: of all tokens, (B, prefix + n); those of the prefix tokens are ignored.
        count: number of patches to keep, below n.
        prefix: number of prefix tokens; they are always kept.
        fuse: append one token, the sum of the other patches weighted by their scores (not normalised, as in the
            authors' code); gradients reach tokens and scores through it.

    Returns:
        Prefix tokens, kept patches in descending order of their scores, and the fused token: (B, prefix + count,
        C) or one more; and the kept patches as indices (B, count) among the n.
    """
    index = scores[:, prefix:].topk(count, dim=1).indices
    head = torch.arange(prefix, device=index.device).expand(index.shape[0], prefix)
    chosen = torch.cat([head, index + prefix], dim=1)
    kept = select(tokens, chosen)
    if fuse:
        # A product with all tokens, of which the chosen ones weigh nothing, needs no second gathering.
        weights = scores.scatter(1, chosen, 0.0).to(tokens.dtype)
        kept = torch.cat([kept, weights.unsqueeze(1) @ tokens], dim=1)
    return kept, index


def _rows(index: Tensor, count: int) -> Tensor:
    """Turn an index (B, K) within each image into rows (B * K) of the tokens of all images.

    Copying rows is several times faster than gathering element by element.
    """
    start = torch.arange(index.shape[0], device=index.device) * count
    return (index + start.unsqueeze(1)).flatten()
