"""Measure how many of the same tokens a cheaper score picks."""

import torch
from torch import Tensor

from depthkit.models import ToSA
from depthkit.models.distillers.pair_maps import PairMaps, read_pair_maps
from depthkit.models.layers.selector import importance, num_kept, score_queries, top_patches


@torch.no_grad()
def selection_overlap(
    model: ToSA, images: Tensor, keep_rate: float, scores: list[tuple[str, int]]
) -> dict[tuple[str, int], list[float]]:
    """Measure the fraction of patches that scores from fewer query rows share with that from all rows.

    The layers run with the model's own keep rate; set it to 1 to compare on the dense model's maps, so that one choice
    does not change the next layer's input. Importance is averaged over heads (``shared``).

    Args:
        model: queries and keys come from its standard layers, the prediction from its selectors.
        images: normalised, (B, 3, H, W).
        keep_rate: fraction of the patches to pick.
        scores: pairs of `score_rows` and `score_stride` (`depthkit.models.layers.selector.score_queries`).

    Returns:
        For each of `scores`, the mean overlap at each standard layer. Chance gives `keep_rate`.
    """
    found: dict[tuple[str, int], list[float]] = {score: [] for score in scores}
    for pair in read_pair_maps(model, images):
        count = num_kept(keep_rate, pair.grid[0] * pair.grid[1])

        def picked(rows: str, stride: int, pair: PairMaps = pair, count: int = count) -> Tensor:
            predicted = pair.block.selector(pair.current(score_queries(pair.query, pair.grid, rows, stride)))
            received = importance(predicted, pair.prefix, pair.block.cls_token_weight).mean(dim=1)
            index = top_patches(received, count, pair.prefix)[:, pair.prefix :]
            return torch.zeros_like(received, dtype=torch.bool).scatter(1, index, True)

        full = picked("all", 1)
        for score in scores:
            found[score].append(((full & picked(*score)).sum() / full.sum()).item())
    return found
