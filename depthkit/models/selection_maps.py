"""Which patches go through the layers of a model that selects tokens."""

import math

import numpy as np
import torch
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.backbones import EViT, ToSA
from depthkit.models.layers.patch_counts import fraction_of


@torch.inference_mode()
def selection_maps(backbone: ToSA | EViT, image: Tensor) -> dict[int, np.ndarray]:
    """Find the patches that go through each token-selective layer.

    Args:
        backbone: in evaluation mode.
        image: normalised (1, 3, H, W).

    Returns:
        By layer, counted from 1, boolean (heads or 1, grid_h, grid_w): for a ToSA the patches that attend, for an EViT
        those that the layer keeps (fused ones do not count).

    Raises:
        InputError: the backbone is another one, in which each patch goes through each layer, alone or merged.
    """
    if isinstance(backbone, ToSA):
        _, selection = backbone.forward_features(image, return_selection=True)
        maps = zip(backbone.selective_layers, selection, strict=True)
        return {layer + 1: attended[0].cpu().numpy() for layer, attended in maps}
    if not isinstance(backbone, EViT):
        raise InputError(f"{type(backbone).__name__}: selects no patches; expected a ToSA or an EViT")
    grid = backbone.patch_embed.dynamic_feat_size(image.shape[-2:])
    _, kept = backbone.forward_features(image, return_indices=True)
    maps = {}
    for layer, index in zip(_removing_layers(backbone, grid[0] * grid[1]), kept, strict=True):
        patches = torch.zeros(grid[0] * grid[1], dtype=torch.bool)
        patches[index[0][index[0] >= 0].cpu()] = True
        maps[layer] = patches.view(1, *grid).numpy()
    return maps


def _removing_layers(backbone: EViT, patches: int) -> list[int]:
    """Return the layers, counted from 1, that remove patches of an image: a rate near 1 may round to all."""
    layers = []
    for i, rate in enumerate(backbone.keep_rate):
        count = fraction_of(patches, rate, math.ceil)
        if count < patches:
            layers.append(i + 1)
            patches = count + backbone.fuse_token
    return layers
