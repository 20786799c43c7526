"""Choose which layers of a dense depth model select tokens, and how many, without training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor
from tqdm import tqdm

from depthkit.analysis.depth_difference import mean_of, metric_difference
from depthkit.errors import InputError
from depthkit.models import DepthEstimator
from depthkit.models.selective import make_selective
from depthkit.utils.macs import count_macs


@dataclass(frozen=True)
class LayerRate:
    """What one token selective layer alone changes and saves.

    Attributes:
        layer: 0-based.
        keep_rate: of this layer.
        difference: mean |depth - dense| / dense over pixels, then images.
        error: its standard error over images; None of a single image.
        saved: multiply-accumulates that it saves, as a fraction of the dense model's.
    """

    layer: int
    keep_rate: float
    difference: float
    error: float | None
    saved: float


@torch.inference_mode()
def measure_layer_rates(
    model: DepthEstimator, images: Sequence[Tensor], keep_rates: Sequence[float], **options
) -> list[LayerRate]:
    """Measure each layer that can be token selective alone, at each rate, against the dense model.

    Args:
        model: dense, in evaluation mode, with depth in metres.
        images: the network's inputs, (1, 3, H, W); 50 or so.
        keep_rates: rates below 1.
        **options: how the layer selects; further arguments of `make_selective`.

    Raises:
        InputError: an argument is wrong, or the model has no token selective form.
    """
    if model.output != "depth":
        raise InputError(f"the model gives {model.output}; expected one that gives depth in metres")
    dense = [model(one) for one in images]
    macs, found = count_macs(model, images[0]), []
    layers = range(1, max(model.backbone.out_indices) + 1)
    for layer, rate in tqdm([(layer, rate) for layer in layers for rate in keep_rates], unit="layer", disable=None):
        selective = make_selective(model, rate, selective_layers=(layer,), **options)
        sizes = [metric_difference(selective(one), base).size for one, base in zip(images, dense, strict=True)]
        saved = 1 - count_macs(selective, images[0]) / macs
        found.append(LayerRate(layer, rate, *mean_of(sizes), saved))
    return found


def choose_layer_rates(measured: Sequence[LayerRate], budget: float) -> list[LayerRate]:
    """Choose layers and rates that change the depth least while saving enough.

    Differences and savings of several layers are taken to add up (ours); layers side by side have one rate, because
    they attend the same patches. Among all such choices the one with the smallest sum of differences is found.

    Args:
        measured: of any layers and rates.
        budget: multiply-accumulates that may be left, as a fraction of the dense model's, in (0, 1].

    Returns:
        At most one for each layer, in ascending order.

    Raises:
        InputError: all of them together save too little.
    """
    # By the rate of the layer before (None: that is standard) the choices that no other beats in both difference and
    # saving.
    found: dict[float | None, list[tuple[LayerRate, ...]]] = {None: [()]}
    for layer in range(max((one.layer for one in measured), default=0) + 1):
        extended: dict[float | None, list[tuple[LayerRate, ...]]] = {None: _best(list(chain(*found.values())))}
        for rate in {one.keep_rate for one in measured}:
            before = found[None] + found.get(rate, [])
            here = [one for one in measured if (one.layer, one.keep_rate) == (layer, rate)]
            extended[rate] = _best([(*choice, one) for choice in before for one in here])
        found = extended
    choices = list(chain(*found.values()))
    enough = [choice for choice in choices if _saved(choice) >= 1 - budget - 1e-9]
    if not enough:
        most = max(map(_saved, choices))
        raise InputError(
            f"budget={budget:g}: these layers and rates leave {1 - most:.3f} at least; give more, or rates"
        )
    return list(min(enough, key=_difference))


def _saved(choice: Sequence[LayerRate]) -> float:
    return sum(one.saved for one in choice)


def _difference(choice: Sequence[LayerRate]) -> float:
    return sum(one.difference for one in choice)


def _best(choices: list[tuple[LayerRate, ...]]) -> list[tuple[LayerRate, ...]]:
    """Return the choices that no other beats in both, by ascending difference."""

    def undominated() -> Iterator[tuple[LayerRate, ...]]:
        most = -float("inf")
        for choice in sorted(choices, key=lambda one: (_difference(one), -_saved(one))):
            if _saved(choice) > most:
                most = _saved(choice)
                yield choice

    return list(undominated())
