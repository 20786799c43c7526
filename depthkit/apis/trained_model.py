"""A model built from its config, with its weights."""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from mmengine.config import Config
from torch import nn

from depthkit.errors import InputError
from depthkit.models.weights import forget_pretrained, load_weights, read_config
from depthkit.registry import MODELS, depthkit_scope, registered_types_only
from depthkit.utils.config import load_config
from depthkit.utils.config_errors import carried_config_errors, config_errors

_KINDS = {"depth": "decode_head", "classification": "cls_head"}


def read_model_config(config: str | Path | Config, checkpoint: str | Path | None) -> Config:
    """Return a config: the one that a checkpoint carries, if `checkpoint` is None.

    Raises:
        InputError: a config comes without weights, or cannot be read.
    """
    is_path = isinstance(config, (str, os.PathLike))
    if checkpoint is None and (not is_path or Path(config).suffix == ".py"):
        name = config if is_path else config.filename or "config"
        raise InputError(f"{name}: a config has no weights; give a checkpoint too, or a checkpoint alone")
    if checkpoint is None:
        return read_config(config)
    return load_config(config) if is_path else config


@contextmanager
def building(
    config: str | Path | Config, checkpoint: str | Path | None, kind: str = "depth"
) -> Iterator[tuple[nn.Module, Config, str]]:
    """Yield a model, its config, and its name for messages; load the weights when the block ends.

    What a checkpoint's config names is built within the block alone, where only registered types are.

    Args:
        config: path of a checkpoint that carries its config; or, with `checkpoint`, the path of a config or a loaded
            one.
        checkpoint: path of the weights that belong to the config.
        kind: ``depth``, whose config has a `test_pipeline`, or ``classification``.

    Raises:
        InputError: the config is of another kind, or it or the weights cannot be used.
    """
    cfg = read_model_config(config, checkpoint)
    carried = checkpoint is None
    name = config if carried else cfg.filename or "config"
    model_cfg, head = copy.deepcopy(cfg.get("model")), _KINDS[kind]
    is_kind = isinstance(model_cfg, dict) and {"backbone", head} <= model_cfg.keys()
    if not is_kind or "test_pipeline" not in cfg:
        raise InputError(
            f"{name}: is not the config of a {kind} model; expected model.backbone, model.{head} and test_pipeline"
        )
    forget_pretrained(model_cfg)
    with (
        depthkit_scope(),
        registered_types_only() if carried else nullcontext(),
        carried_config_errors(name) if carried else nullcontext(),
    ):
        with config_errors(str(name), "model"):
            model = MODELS.build(model_cfg)
        yield model, cfg, str(name)
    load_weights(model, config if carried else checkpoint)
