"""An even pattern of patches, and updates for those between them from their neighbours.

Both are ours. A layer changes patches that lie side by side in much the same way, so a patch that skipped it can be
moved as its neighbours were, at nearly no cost.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# A neighbour at a side counts exp(-1), one at a corner exp(-2).
_SIDE = 0.36787944117144233
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


def follow_neighbours(before: Tensor, after: Tensor, index: Tensor, grid: tuple[int, int]) -> Tensor:
    """Move the patches that skipped a layer as their attended neighbours moved, on average.

    Of the eight neighbours, one at a side counts e times as much as one at a corner (normalised convolution, Knutsson
    and Westin, CVPR 1993). A patch none of whose neighbours attended stays as it is, and so do prefix tokens.

    Args:
        before: tokens (B, N, C) that entered the layer, prefix tokens first.
        after: tokens (B, N, C) that left it; those that skipped are those of `before`.
        index: the tokens that attended, (B, T), all prefix tokens among them.
        grid: (h, w) of the patches.

    Returns:
        Tokens (B, N, C); those that `index` names are bit-identical to those of `after`.
    """
    prefix, channels = before.shape[1] - grid[0] * grid[1], before.shape[2]
    attended = torch.zeros(before.shape[:2], dtype=after.dtype, device=after.device).scatter(1, index, 1.0)
    attended = attended[:, prefix:].unflatten(1, grid).unsqueeze(1)
    update = (after - before)[:, prefix:].transpose(1, 2).unflatten(2, grid)
    line = torch.tensor([_SIDE, 1.0, _SIDE], dtype=after.dtype, device=after.device)
    kernel = line.outer(line)
    total = F.conv2d(update, kernel.expand(channels, 1, 3, 3), padding=1, groups=channels)
    weight = F.conv2d(attended, kernel.expand(1, 1, 3, 3), padding=1)
    # A smaller weight than a corner's comes from rounding alone: there is no neighbour, and the sum is zero too.
    moved = (total / weight.clamp(min=_SIDE**2 / 2)).flatten(2).transpose(1, 2)
    patches = after[:, prefix:]
    # Chosen, not multiplied by zero: where a sum overflows, the patches that attended are still what the layer made.
    patches = torch.where(attended.flatten(1).unsqueeze(2) > 0, patches, patches + moved)
    return torch.cat([after[:, :prefix], patches], dim=1)
