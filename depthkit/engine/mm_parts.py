"""Check the arguments of mmengine's and torch's classes that a config names, by their own annotations.

These classes use what they get unseen: ``three_phase=-1`` is True, and ``T_max="a"`` fails in the first iteration.
"""

import math
from collections.abc import Iterator
from typing import Any

from mmengine import registry
from mmengine.config import Config
from mmengine.model import ExponentialMovingAverage
from mmengine.registry import Registry

from depthkit.errors import InputError
from depthkit.registry import DATASETS, HOOKS, OPTIM_WRAPPERS
from depthkit.utils.validation import find_wrong_argument

# Of these the annotations say less than is taken: a value for each group of weights, a number or a dict, a name.
_TAKE_MORE = {"eta_max", "loss_scale", "device"}
# Classes that hand the arguments on that they do not have.
_RECEIVERS = {"EMAHook": ExponentialMovingAverage}


def check_parts(config: Config) -> None:
    """Check the parts of `config` that classes of other packages are built from.

    Raises:
        InputError: one sentence on the first mistake.
    """
    name = config.filename or "config"
    for place, where, part in _parts(config):
        if kind := _find(where, part.get("type")):
            given = {name: value for name, value in part.items() if name not in _TAKE_MORE and not _is_built(value)}
            for taker in (kind, _RECEIVERS.get(kind.__name__)):
                if taker and (found := find_wrong_argument(taker, given)):
                    raise InputError(f"{name}: {place}: {found}")


def check_numbers(config: Config) -> None:
    """Check that no number of `config` is NaN, or larger than torch and the words of an error can hold.

    Raises:
        InputError: one is.
    """
    for place, value in _numbers("", config.to_dict()):
        if abs(value) >= 2**63 if isinstance(value, int) else math.isnan(value):
            raise InputError(f"{config.filename or 'config'}: {place}: expected a finite number below 2**63")


def _parts(config: Config) -> Iterator[tuple[str, Registry, dict]]:
    """Yield the place of each part, the registry that has its class, and its arguments."""
    for part in _list(config.get("param_scheduler")):
        yield "param_scheduler", registry.PARAM_SCHEDULERS, part
    wrapper = config.get("optim_wrapper") or {}
    yield "optim_wrapper", OPTIM_WRAPPERS, {"type": "OptimWrapper", **wrapper}
    yield "optim_wrapper.optimizer", registry.OPTIMIZERS, wrapper.get("optimizer") or {}
    yield "visualizer", registry.VISUALIZERS, {"type": "Visualizer", **(config.get("visualizer") or {})}
    hooks = [(f"default_hooks.{name}", hook) for name, hook in (config.get("default_hooks") or {}).items()]
    hooks += [("custom_hooks", hook) for hook in config.get("custom_hooks") or []]
    for place, hook in hooks:
        yield place, HOOKS, hook or {}
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        loader = config.get(name) or {}
        yield f"{name}.sampler", registry.DATA_SAMPLERS, loader.get("sampler") or {}
        dataset = loader.get("dataset") or {}
        while isinstance(dataset, dict):  # of wrappers, one in the other
            yield f"{name}.dataset", DATASETS, dataset
            dataset = dataset.get("dataset")


def _list(parts: Any) -> list[dict]:
    return list(parts) if isinstance(parts, (list, tuple)) else [parts] if parts else []


def _is_built(value: Any) -> bool:
    """Return whether an argument is itself a part, or some of them: it stands for what is built."""
    if isinstance(value, (list, tuple)):
        return any(map(_is_built, value))
    return isinstance(value, dict) and "type" in value


def _find(where: Registry | None, name: Any) -> type | None:
    """Return the class of this name that a registry or its parents have; None for one of ours.

    Ours check their arguments themselves, and what is unknown is told when it is built. What mmengine has is imported
    with its Runner; the rest of mmseg's need not be.
    """
    while where is not None and isinstance(name, str):
        if found := where.module_dict.get(name.rpartition(".")[2]):
            return None if found.__module__.startswith("depthkit.") else found
        where = where.parent
    return None


def _numbers(place: str, value: Any) -> Iterator[tuple[str, float]]:
    """Yield each number in `value`, and its place."""
    if isinstance(value, (int, float)):
        yield place, value
    elif isinstance(value, (dict, list, tuple)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(f"{place}.{key}" if place else str(key), item)
