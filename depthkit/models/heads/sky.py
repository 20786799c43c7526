"""The sky in a depth map: a region without a distance."""

import torch
from torch import Tensor

_THRESHOLD = 0.3  # of the sky score
_QUANTILE = 0.99  # of the other pixels' depth
_MIN_PIXELS = 10  # with this many or fewer of either kind nothing is changed


def fill_sky(depth: Tensor, score: Tensor) -> Tensor:
    """Put the sky of each image at the far end of what is not sky.

    The rule of Depth-Anything-3 (``_process_mono_sky_estimation`` in ByteDance-Seed/Depth-Anything-3): pixels with a
    score of 0.3 or more get the 99 % quantile of the others' depth. The authors take it from 100,000 pixels drawn at
    random where there are more; here it is exact, so that the same image gives the same depth.

    Args:
        depth: (B, 1, H, W).
        score: of sky, (B, 1, H, W), 0 or more.

    Returns:
        Depth (B, 1, H, W); unchanged where an image has 10 pixels or fewer of sky, or of anything else.
    """
    flat, is_sky = depth.flatten(1), score.flatten(1) >= _THRESHOLD
    # Sorted, with the sky behind everything else, so that no shape depends on the data.
    ordered = flat.masked_fill(is_sky, float("inf")).sort(dim=1).values
    others = (~is_sky).sum(dim=1, keepdim=True)
    rank = _QUANTILE * (others - 1).clamp(min=0).double()
    below, above = ordered.gather(1, rank.floor().long()), ordered.gather(1, rank.ceil().long())
    far = below.lerp(above, (rank - rank.floor()).to(flat.dtype))
    enough = (others > _MIN_PIXELS) & (is_sky.sum(dim=1, keepdim=True) > _MIN_PIXELS)
    return torch.where(is_sky & enough, far, flat).view_as(depth)
