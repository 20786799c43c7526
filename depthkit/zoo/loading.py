"""Build a published model, with its weights."""

import functools
import os
import sys
from pathlib import Path

import torch
from torch import nn

from depthkit.errors import InputError
from depthkit.models import DepthEstimator
from depthkit.models.weights import read_state_dict
from depthkit.registry import MODELS, depthkit_scope
from depthkit.zoo.configs import make_config
from depthkit.zoo.download import fetch_weights
from depthkit.zoo.layouts import to_depthkit
from depthkit.zoo.table import ZooModel, find_model


def create_model(name: str, pretrained: bool | str | os.PathLike = False) -> nn.Module:
    """Build a published model alone, without the preprocessing of images.

    Args:
        name: as `depthkit models` lists it.
        pretrained: False: random weights; True: the published ones, from the hub's cache or downloaded into it; or the
            path of a file, in the authors' layout, in that of transformers, or in depthkit's.

    Returns:
        In evaluation mode. It maps normalised images (B, 3, H, W), with H and W multiples of 14 (``dpt-large``: 32), to
        what the authors' module gives, (B, 1, H, W): disparity, metres, or depth of an unknown scale. For
        ``da3metric-large`` multiply it by the focal length [px] at the network's input and divide it by 300.

    Raises:
        InputError: there is no such model, its file cannot be had, or a file is of another model.
    """
    model = find_model(name)
    if pretrained is False:
        with depthkit_scope():
            return MODELS.build(make_config(model)["model"]).eval()
    if pretrained is not True and not isinstance(pretrained, str | os.PathLike):
        raise InputError(f"pretrained={pretrained!r}: expected True, False or the path of a file")
    return load_model(model, make_config(model), None if pretrained is True else pretrained)


def load_model(model: ZooModel, config: dict, weights: str | os.PathLike | None) -> DepthEstimator:
    """Build `model` by its `config` with the weights of a file, None for the published one; in evaluation mode.

    Raises:
        InputError: the file cannot be had, or is of another model.
    """
    path = fetch_weights(model) if weights is None else Path(weights)
    state = read_state_dict(path)
    # Without memory at first: random values for 300 million weights take 20 s and would be replaced anyway.
    with depthkit_scope(), torch.device("meta"):
        built = MODELS.build(config["model"])
    built.load_state_dict({name: value.float() for name, value in to_depthkit(state, built, path).items()}, assign=True)
    with depthkit_scope():  # it has tensors that no file holds
        built.data_preprocessor = MODELS.build(config["model"]["data_preprocessor"])
    return built.eval()


@functools.cache  # so that it is printed once
def print_licence(notice: str) -> None:
    """Tell the user on stderr what to know about the licence of weights."""
    print(notice, file=sys.stderr)
