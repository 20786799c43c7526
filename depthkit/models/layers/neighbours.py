"""An even pattern of patches, and updates for those between them from their neighbours.

Both are ours. A layer changes patches that lie side by side in much the same way, so a patch that skipped it can be
moved as its neighbours were, at nearly no cost; most of all as those that look like it.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

_PLACES = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if (row, column) != (0, 0)]
_LIKENESS = 0.1  # a neighbour counts less by a factor of e for each 0.1 that its cosine is lower
_LEVELS = 3  # the pattern repeats after 2**3 patches


def even_pattern(grid: tuple[int, int], device: torch.device) -> Tensor:
    """Rank the patches of a grid so that the first of any number of them lie evenly.

    The order is that of ordered dithering (Bayer, 1973): the first quarter is every second patch in both directions,
    the first half a chessboard. Where both sides are even, each patch has one of the first quarter as a neighbour.
    Patches of one rank follow each other row by row.

    Args:
        grid: (h, w) of the patches.
        device: of the result.

    Returns:
        Scores (h * w,), positive and all different; the highest comes first.
    """
    rows = torch.arange(grid[0], device=device).unsqueeze(1)
    columns = torch.arange(grid[1], device=device)
    rank = torch.zeros(grid, device=device, dtype=torch.int64)
    for level in range(_LEVELS):
        row, column = rows // 2**level % 2, columns // 2**level % 2
        rank = 4 * rank + 2 * ((row + column) % 2) + row
    count = grid[0] * grid[1]
    return (4**_LEVELS * count - rank.flatten() * count - torch.arange(count, device=device)).float()


@torch.no_grad()
def neighbour_weights(tokens: Tensor, index: Tensor, grid: tuple[int, int], similar: bool) -> Tensor:
    """Return how much a patch that skips a layer follows each of its eight neighbours.

    Of those that attend, one at a side counts e times as much as one at a corner (normalised convolution, Knutsson and
    Westin, CVPR 1993). With `similar` each also counts exp(cosine / 0.1) times as much, of the two patches' tokens less
    the mean of all patches (as in joint bilateral upsampling, Kopf et al., SIGGRAPH 2007). No gradient passes.

    Args:
        tokens: that enter the layer, or the first of layers side by side (B, N, C), prefix tokens first.
        index: the tokens that attend, (B, T), all prefix tokens among them.
        grid: (h, w) of the patches.
        similar: weigh by likeness too.

    Returns:
        (B, h, w, 8), float32 or float64, the neighbours row by row. The sum is 1; 0 where the patch attends itself or
        none of its neighbours does.
    """
    prefix = tokens.shape[1] - grid[0] * grid[1]
    patches = tokens[:, prefix:].unflatten(1, grid)
    patches = patches.to(torch.promote_types(patches.dtype, torch.float32))
    attended = torch.zeros(tokens.shape[:2], dtype=patches.dtype, device=tokens.device).scatter(1, index, 1.0)
    attended = attended[:, prefix:].unflatten(1, grid).unsqueeze(3)
    distances = (abs(row) + abs(column) for row, column in _PLACES)
    weights = [shifted * math.exp(-one) for shifted, one in zip(_shifted(attended), distances, strict=True)]
    joined = torch.cat(weights, dim=3) * (1 - attended)
    if similar:
        centred = F.normalize(patches - patches.mean(dim=(1, 2), keepdim=True), dim=3)
        cosines = torch.cat([(centred * shifted).sum(dim=3, keepdim=True) for shifted in _shifted(centred)], dim=3)
        # Where a patch overflows there is no mean: then place alone counts, and that patch spoils its neighbours only.
        joined = joined * ((cosines.nan_to_num() - 1) / _LIKENESS).exp()
    total = joined.sum(dim=3, keepdim=True)
    # exp(-2 / 0.1 - 2) is the least that a neighbour counts; the sum is 0 where there is none.
    return joined / total.clamp(min=1e-12)


def follow_neighbours(before: Tensor, after: Tensor, weights: Tensor) -> Tensor:
    """Move the patches that skipped a layer as their attended neighbours moved, by weighted mean.

    Args:
        before: tokens (B, N, C) that entered the layer, prefix tokens first.
        after: tokens (B, N, C) that left it; those that skipped are those of `before`.
        weights: of the neighbours, (B, h, w, 8), see `neighbour_weights`.

    Returns:
        Tokens (B, N, C); those without weights are bit-identical to those of `after`.
    """
    grid = weights.shape[1:3]
    prefix = before.shape[1] - grid[0] * grid[1]
    updates = _shifted((after - before)[:, prefix:].unflatten(1, grid))
    moved = torch.zeros_like(weights[..., :1])
    for weight, update in zip(weights.split(1, dim=3), updates, strict=True):
        moved = torch.addcmul(moved, weight, update.to(weight.dtype))
    patches = after[:, prefix:]
    # Chosen, not multiplied by zero: where a sum overflows, the patches that attended are still what the layer made.
    follows = weights.sum(dim=3).flatten(1).unsqueeze(2) > 0
    patches = torch.where(follows, patches + moved.flatten(1, 2).to(patches.dtype), patches)
    return torch.cat([after[:, :prefix], patches], dim=1)


def _shifted(maps: Tensor) -> Iterator[Tensor]:
    """Yield maps (B, h, w, C) so that each place holds what one of its `_PLACES` held, zeros from outside."""
    height, width = maps.shape[1:3]
    padded = F.pad(maps, (0, 0, 1, 1, 1, 1))
    for row, column in _PLACES:
        yield padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]
