"""What the ``config.json`` of transformers says of the weights beside it. It imports no torch."""

import json
from collections.abc import Mapping
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.input_files import read_text
from depthkit.zoo.table import MODELS
from depthkit.zoo.zoo_model import SHARED_FILE, ZooModel

_CONFIG = "config.json"
_KIND = "depth_anything"  # what it calls Depth Anything 1 and 2; other models have no twins with the same tensors


def check_transformers_config(weights: Path, model: ZooModel) -> None:
    """Refuse a ``model.safetensors`` whose ``config.json`` says that it is of another model.

    Depth Anything 1 and 2 and its metric models have the same tensors. They differ in facts that only the config has:
    the layers that the decoder reads, and the largest depth.

    Args:
        weights: the file. Without a config of Depth Anything beside it nothing is compared.
        model: what it was said to be of.

    Raises:
        InputError: the config contradicts, or cannot be read.
    """
    path = weights.parent / _CONFIG
    if weights.name != SHARED_FILE or not path.is_file():
        return
    config = _read(path)
    if config.get("model_type") != _KIND:
        return
    said = _contradiction(config, model)
    if said is None:
        return
    others = [
        other.name
        for other in MODELS.values()
        if other.architecture.embed_dim == model.architecture.embed_dim
        and other.architecture.family == _KIND
        and _contradiction(config, other) is None
    ]
    hint = f"name {others[0]}" if others else "`depthkit models` lists what can be read"
    raise InputError(f"{path}: says that {weights.name} beside it has {said}, unlike {model.name}; {hint}")


def _contradiction(config: Mapping, model: ZooModel) -> str | None:
    """Return what the config says that is not so of `model`, None if all is.

    As transformers reads it: without a word the depth is relative, and the largest depth is 1.
    """
    kind = config.get("depth_estimation_type") or "relative"
    if kind != model.kind:
        return f"depth_estimation_type {kind}"
    largest = config.get("max_depth") or 1
    if model.max_depth is not None and largest != model.max_depth:
        return f"max_depth {largest}"
    backbone = config.get("backbone_config")
    taps = backbone.get("out_indices") if isinstance(backbone, dict) else None
    if taps is not None and taps != [tap + 1 for tap in model.architecture.taps]:  # there 0 is what enters layer 1
        return f"out_indices {taps}"
    return None


def _read(path: Path) -> dict:
    try:
        config = json.loads(read_text(path, "the JSON that transformers writes"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: is not the JSON that transformers writes; get it again, or move the weights beside it elsewhere"
        ) from error
    return config if isinstance(config, dict) else {}
