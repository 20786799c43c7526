"""The token selector of ToSA: it predicts the next layer's attention maps and ranks tokens by them.

Source: ToSA (Singh et al., CVPRW 2024, arXiv 2406.08816), abstract and figure 2. The paper's full text was not
available to us; choices that are ours are marked so.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depthkit.models.layers.patch_counts import fraction_of

ScoreRows = Literal["all", "grid", "pooled"]
Importance = Literal["attention", "update", "predicted_update", "random", "even"]
SelectorLayers = Literal[0, 1, 2]


class TokenSelector(nn.Module):
    """Predict the next layer's pre-softmax attention maps from the current ones.

    1x1 convolutions across the H heads, pointwise over (query, key): running them on some query rows gives exactly
    those rows of the full prediction. The selector starts at the identity because the next layer's map is much like
    this one's. The output has no bias because a constant along a row does not change its softmax (both our choice).

    Args:
        num_heads: H.
        layers: 1: one convolution; 2: beside it a second path with 4 * H hidden maps and a GELU, which starts
            at zero; 0: the current map is the prediction, and there is nothing to train.
    """

    def __init__(self, num_heads: int, layers: SelectorLayers = 1) -> None:
        super().__init__()
        self.mix = nn.Conv2d(num_heads, num_heads, kernel_size=1, bias=False) if layers else None
        self.hidden = nn.Conv2d(num_heads, 4 * num_heads, kernel_size=1) if layers == 2 else None
        self.out = nn.Conv2d(4 * num_heads, num_heads, kernel_size=1, bias=False) if layers == 2 else None
        if layers:
            nn.init.dirac_(self.mix.weight)
        if layers == 2:
            nn.init.zeros_(self.out.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """Map current pre-softmax maps (B, H, R, N) of R query rows to predicted ones, (B, H, R, N)."""
        if self.mix is None:
            return maps
        predicted = _pointwise(self.mix, maps)
        if self.hidden is None:
            return predicted
        hidden = F.gelu(_pointwise(self.hidden, maps) + self.hidden.bias[:, None, None])
        return predicted + _pointwise(self.out, hidden)


def _pointwise(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    """Apply a 1x1 convolution without its bias; its own kernel would first copy the maps."""
    weight = convolution.weight[:, :, 0, 0]
    if torch.compiler.is_exporting():  # runtimes transpose the maps twice for an einsum
        return (weight @ maps.flatten(2)).unflatten(2, maps.shape[2:])
    return torch.einsum("oh,bhrn->born", weight, maps)


def score_queries(query: Tensor, grid: tuple[int, int], rows: ScoreRows, stride: int) -> Tensor:
    """Choose the query vectors whose rows of the attention map are scored.

    Args:
        query: queries (B, H, P + h * w, d): P prefix tokens, then the patches of a grid (h, w).
        grid: (h, w) in patches.
        rows: ``all`` of them (the paper's form); ``grid``: every `stride`-th patch in both directions; ``pooled``:
            the mean query of each `stride` x `stride` window. The last two keep all prefix tokens, and estimate
            the mean over queries from about N / stride**2 rows (our choice; it is faster).
        stride: distance of rows in patches.

    Returns:
        Queries (B, H, R, d).
    """
    if rows == "all":
        return query
    prefix = query.shape[2] - grid[0] * grid[1]
    if rows == "grid":
        # Begin in the middle of the first stride, so that the rows lie evenly over the image.
        top, left = min(stride // 2, grid[0] - 1), min(stride // 2, grid[1] - 1)
        patches = query[:, :, prefix:].unflatten(2, grid)[:, :, top::stride, left::stride].flatten(2, 3)
        return torch.cat([query[:, :, :prefix], patches], dim=2)
    # Pooling channels-last reads the queries once as they lie in memory, as tokens (B, N, H * d).
    patches = query[:, :, prefix:].transpose(1, 2).flatten(2).transpose(1, 2).unflatten(-1, grid)
    means = F.avg_pool2d(patches, stride, ceil_mode=True, count_include_pad=False)
    means = means.flatten(2).transpose(1, 2).unflatten(-1, (query.shape[1], -1)).transpose(1, 2)
    return torch.cat([query[:, :, :prefix], means], dim=2)


def importance(predicted: Tensor, prefix: int = 0, cls_token_weight: float | None = None) -> Tensor:
    """Return the mean attention that each token receives (B, H, N), from pre-softmax maps (B, H, R, N).

    Args:
        predicted: predicted maps of R query rows, those of the prefix tokens first.
        prefix: number of prefix tokens.
        cls_token_weight: weight, in [0, 1], of the prefix tokens' rows, the others sharing the rest (our choice, for
            classification, where the class token's attention says more than a patch's); None: all rows alike.
    """
    attention = predicted.softmax(dim=-1)
    if cls_token_weight is None or not 0 < prefix < attention.shape[2]:
        return attention.mean(dim=2)
    of_prefix, of_patches = attention[:, :, :prefix].mean(dim=2), attention[:, :, prefix:].mean(dim=2)
    return cls_token_weight * of_prefix + (1 - cls_token_weight) * of_patches


def first_in_line(scores: Tensor, attended: Tensor | None) -> Tensor:
    """Rank tokens that `attended` does not name before those that it names (ours).

    Among each they keep their order.

    Args:
        scores: importance (B, S, N), not negative.
        attended: tokens that an earlier layer attended, as indices (B, S, T); None: all.

    Returns:
        Scores (B, S, N).
    """
    if attended is None:
        return scores
    skipped = torch.ones_like(scores, dtype=torch.bool).scatter(-1, attended, False)
    return torch.where(skipped, scores + scores.amax(dim=-1, keepdim=True), scores)


def top_patches(scores: Tensor, count: int, prefix: int) -> Tensor:
    """Index the `count` highest scores among the patches, plus all prefix tokens, in ascending order.

    Args:
        scores: importance (..., N) of prefix tokens and patches.
        count: number of patches to attend.
        prefix: number of prefix tokens; they are always attended.

    Returns:
        Token indices (..., prefix + count), int64.
    """
    top = scores[..., prefix:].topk(count, dim=-1, sorted=False).indices + prefix
    # Ascending order keeps memory access contiguous, and makes keep_rate 1 the identity permutation.
    top = top.sort(dim=-1).values
    head = torch.arange(prefix, device=scores.device).expand(*scores.shape[:-1], prefix)
    return torch.cat([head, top], dim=-1)


def num_kept(keep_rate: float, num_patches: int) -> int:
    """Return the number of patches to attend: ``max(1, round(keep_rate * num_patches))``."""
    return fraction_of(num_patches, keep_rate, round)


def selector_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Return the KL divergence of the predicted attention from the next layer's true one.

    It is the mean over images, heads and rows. The true map is the teacher and gets no gradient.

    Args:
        predicted: pre-softmax maps (B, H, R, N) from the selector.
        true: pre-softmax maps (B, H, R, N) of the next layer for the same queries and keys.
    """
    log_predicted = predicted.float().log_softmax(dim=-1)
    log_true = true.detach().float().log_softmax(dim=-1)
    return F.kl_div(log_predicted, log_true, log_target=True, reduction="none").sum(dim=-1).mean()
