"""The config that a checkpoint carries, as what it is evaluated with."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config

from depthkit.errors import InputError
from depthkit.models.weights import read_config, read_metadata
from depthkit.registry import DATASETS, METRICS, SCOPE
from depthkit.utils.config import config_from_plain

# Of the loader that a file carries.
_LOADER = ("dataset", "sampler", "batch_size", "num_workers", "persistent_workers", "drop_last")
_OUTPUTS = ("cache", "save_dir", "comparison_dir")  # folders, arguments of data sets and metrics


def carried_test_config(checkpoint: str | Path) -> Config:
    """Return what evaluating needs of the config in `checkpoint`; the rest, such as hooks, is depthkit's.

    The file may come from anyone, and some data sets of mmengine unpickle files from addresses in their config. It
    does not choose folders that are written to.

    Raises:
        InputError: the file carries no config, or one without test data or whose data set or metric is not depthkit's.
    """
    carried = read_config(checkpoint)
    if "test_dataloader" not in carried:
        raise InputError(f"{checkpoint}: its config names no test data; name a config that does by --config")
    for key, registry in (("test_dataloader.dataset", DATASETS), ("test_evaluator", METRICS)):
        part = carried
        for name in key.split("."):
            part = part.get(name) if isinstance(part, dict | Config) else None
        kind = part.get("type") if isinstance(part, dict) else None
        registry.import_from_location()
        if not isinstance(kind, str) or kind.removeprefix(f"{SCOPE}.") not in registry.module_dict:
            raise InputError(
                f"{checkpoint}: its config has {key}.type={kind!r}, which is not depthkit's own; evaluate it with a "
                "config that you have checked"
            )
    needed = ("model", "test_dataloader", "test_evaluator", "test_pipeline")
    parts = {name: carried[name] for name in needed if name in carried}
    loader = {name: parts["test_dataloader"][name] for name in _LOADER if name in parts["test_dataloader"]}
    hooks = {
        "default_hooks": {"logger": {"type": "LoggerHook", "interval": 50}},
        "custom_hooks": [{"type": "ProgressHook"}],
    }
    plain = {**parts, "test_dataloader": loader, **hooks, "test_cfg": {}, "default_scope": SCOPE}
    return config_from_plain(_without_outputs(plain), carried.filename)


def _without_outputs(value: object) -> object:
    """Return a part of a config without the folders that data sets and metrics would make and write to."""
    if isinstance(value, dict):
        return {key: None if key in _OUTPUTS else _without_outputs(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_without_outputs, value))
    return value


@contextmanager
def errors_without_suffix(name: str) -> Iterator[None]:
    """Leave the .py that mmengine wants out of a carried config's name: there is no such file."""
    try:
        yield
    except InputError as error:
        if not str(error).startswith(f"{name}: "):
            raise
        raise InputError(name.removesuffix(".py") + str(error).removeprefix(name)) from error


@contextmanager
def errors_with_data_root(checkpoint: str | Path) -> Iterator[None]:
    """Say how to name another folder of data, where that of the config in a checkpoint does not exist."""
    try:
        yield
    except InputError as error:
        info = read_metadata(checkpoint)
        root = info.config.get("data_root")
        if not isinstance(root, str) or os.path.isdir(os.path.expanduser(root)):
            raise
        hint = f"where its data are not in {root}: --config {info.config_name} --cfg-options data_root=FOLDER"
        raise InputError(f"{error}; {hint}") from error
