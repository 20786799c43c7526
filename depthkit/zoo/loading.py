"""Build a published model, with its weights."""

import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from depthkit.errors import InputError
from depthkit.models import DepthEstimator
from depthkit.models.weights import forget_pretrained, load_weights, read_config, read_state_dict
from depthkit.registry import MODELS as MODEL_CLASSES
from depthkit.registry import depthkit_scope
from depthkit.zoo.configs import make_config
from depthkit.zoo.download import fetch_weights
from depthkit.zoo.file_hash import is_published
from depthkit.zoo.layout_names import LAYOUTS
from depthkit.zoo.layouts import to_depthkit
from depthkit.zoo.packaged import PACKAGED_MODEL, packaged_weights
from depthkit.zoo.table import FREE_LICENCES, check_file_name, find_model
from depthkit.zoo.transformers_config import check_transformers_config
from depthkit.zoo.zoo_model import ZooModel


def create_model(name: str, pretrained: bool | str | os.PathLike = False) -> nn.Module:
    """Build a published model alone, without the preprocessing of images.

    Args:
        name: as `depthkit models` lists it.
        pretrained: False: random weights; True: the published ones, from the hub's cache or downloaded into it; or the
            path of a file, in the authors' layout, in that of transformers, or in depthkit's. `PACKAGED_MODEL` comes
            with depthkit and takes no file.

    Returns:
        In evaluation mode. It maps normalised images (B, 3, H, W), with H and W multiples of 14 (``dpt-large``: 32,
        `PACKAGED_MODEL`: 16), to
        what the authors' module gives, (B, 1, H, W): disparity, metres, or depth of an unknown scale. For
        ``da3metric-large`` multiply it by the focal length [px] at the network's input and divide it by 300.

    Raises:
        InputError: there is no such model, its file cannot be had, or a file is of another model.
    """
    if isinstance(pretrained, np.bool_):
        pretrained = bool(pretrained)
    if name == PACKAGED_MODEL:
        return _create_packaged(pretrained)
    model = find_model(name)
    if pretrained is False:
        with depthkit_scope():
            return MODEL_CLASSES.build(make_config(model)["model"]).eval()
    if pretrained is not True and not isinstance(pretrained, str | os.PathLike):
        raise InputError(f"pretrained={pretrained!r}: expected True, False or the path of a file")
    weights = None if pretrained is True else pretrained
    return load_model(model, make_config(model, weights), weights)


def _create_packaged(pretrained: object) -> nn.Module:
    if not isinstance(pretrained, bool):
        raise InputError(f"pretrained={pretrained!r}: {PACKAGED_MODEL} has its own weights; expected True or False")
    config = read_config(packaged_weights())
    forget_pretrained(config.model)
    with depthkit_scope():
        model = MODEL_CLASSES.build(config.model)
    if pretrained:
        load_weights(model, packaged_weights())
        print_limits(config.published)
    return model.eval()


def load_model(model: ZooModel, config: dict, weights: str | os.PathLike | None) -> DepthEstimator:
    """Build `model` by its `config`, in evaluation mode, with the weights of a file.

    Without one the published file is taken from the hub. ``config["published"]["weights"]`` becomes what is known of
    the file: ``published``, ``not the published file`` (which is also told on stderr) or ``not checked``.

    Raises:
        InputError: the file cannot be had, or is of another model.
    """
    path = fetch_weights(model) if weights is None else Path(weights).expanduser()
    check_file_name(path, model)
    state = read_state_dict(path)
    # Without memory at first: random values for 300 million weights take 20 s and would be replaced anyway.
    with depthkit_scope(), torch.device("meta"):
        built = MODEL_CLASSES.build(config["model"])
    converted = to_depthkit(state, built, path)
    check_transformers_config(path, model)
    config["published"]["weights"] = "published" if weights is None else _check_file(path, model, state)
    print_limits(config["published"])
    built.load_state_dict({name: value.float() for name, value in converted.items()}, assign=True)
    with depthkit_scope():  # it has tensors that no file holds
        built.data_preprocessor = MODEL_CLASSES.build(config["model"]["data_preprocessor"])
    return built.eval()


def _check_file(path: Path, model: ZooModel, state: Mapping[str, torch.Tensor]) -> str:
    """Compare a file with the published one, and tell the user where it is another.

    The SHA-256 on record are those of the authors' files; the same weights in another layout cannot be compared.
    """
    of_authors = any(layout.marker in state for layout in LAYOUTS if layout.of_authors)
    same = is_published(path, model) if of_authors else None
    if same is None:
        return "not checked"
    if same:
        return "published"
    _print_once(f"note: {path}: is not the published file of {model.name}, its size or SHA-256 differs")
    return "not the published file"


def print_limits(published: Mapping[str, str]) -> None:
    """Tell the user once, on stderr, of an unfree licence and of what images a model was trained on.

    Args:
        published: of the config of a published model; of another model it is empty.
    """
    if "trained_on" in published:
        _print_once(
            f"note: {published.get('model')} was trained on {published['trained_on']}; other images come out wrong"
        )
    # "Apache-2.0 AND MIT", of several weights that a training started from, is as free as its parts.
    if not set(published.get("licence", "MIT").split(" AND ")) <= set(FREE_LICENCES):
        _print_once(
            f"note: {published.get('model')}: the licence of these weights is {published['licence']} "
            f"({published.get('licence_note')})"
        )


@functools.cache
def _print_once(text: str) -> None:
    print(text, file=sys.stderr)
