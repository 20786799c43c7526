"""Wrong values in a config, as --cfg-options gives them: one sentence with the config, the part and the value."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

import depthkit.datasets
import depthkit.engine
import depthkit.models  # noqa: F401 (registers)
from depthkit.engine.runner import DepthRunner
from depthkit.errors import InputError
from depthkit.registry import HOOKS, MODELS, TRANSFORMS
from depthkit.utils.config import load_config
from depthkit.utils.config_errors import config_errors

CONFIG = "nyu_tosa_tiny"
nan = float("nan")

MODEL = [
    ("type", None, "type=None: expected the registered name"),
    ("type", "DepthEstimatr", "did you mean DepthEstimator"),
    ("type", "zzz", "check the spelling"),
    ("type", "", "type='': expected the registered name"),
    ("backbone", None, "None stands where a dict|backbone=None"),
    ("backbone", 3, "3 stands where a dict|backbone=3"),
    ("backbone.type", None, "type=None: expected the registered name"),
    ("backbone.type", "ToSa", "there is no model of type 'ToSa'; did you mean ToSA"),
    ("backbone.num_heads", "abc", "num_heads='abc'"),
    ("backbone.num_head", 3, "'num_head'"),
    ("decode_head.losses", None, "losses=None"),
    ("data_preprocessor.mean", "abc", "mean='abc'"),
]
OPTIMIZER = [
    ("optimizer.weight_decay", "abc", "weight_decay='abc'"),
    ("optimizer.lr", "abc", "lr"),
    ("optimizer.lr", -1, "-1"),
    ("optimizer.lr", nan, "nan"),
    ("optimizer.betas", 3, "betas=3"),
    ("optimizer.type", None, "type=None"),
    ("optimizer.type", "AdamX", "there is no optimizer of type 'AdamX'; did you mean Adam"),
    ("constructor", "X", "there is no .* of type 'X'; check the spelling"),
    ("accumulative_counts", "x", "accumulative_counts='x'"),
]
HOOK = [
    ("default_hooks.logger.interval", "a", "interval='a'"),
    ("default_hooks.logger.intervall", 3, "'intervall'"),
    ("default_hooks.logger.type", "LogerHook", "did you mean LoggerHook"),
    ("custom_hooks.2.depth_range", 3, "depth_range=3"),
    ("custom_hooks", [7], "7 stands where a dict|hooks=7"),
]


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    with DefaultScope.overwrite_default_scope("depthkit"):
        yield


def config_with(key: str, value: object) -> Config:
    return load_config(CONFIG, {"pretrained": None, key: value})


def check(message: str, config: Config, part: str, caught: pytest.ExceptionInfo) -> None:
    text = str(caught.value)
    assert text.startswith(f"{config.filename}: {part}: ")
    assert re.search(message, text), text
    assert "\n" not in text


@pytest.mark.parametrize(("key", "value", "message"), MODEL)
def test_of_the_model(key: str, value: object, message: str) -> None:
    config = load_config(CONFIG, {"pretrained": None, "model.backbone.depth": 4, "model.backbone.out_indices": [0, 1]})
    config.merge_from_dict({f"model.{key}": value})
    with pytest.raises(InputError) as caught, config_errors(config.filename, "model"):
        MODELS.build(config.model)
    check(message, config, "model", caught)


@pytest.mark.parametrize(("key", "value", "message"), OPTIMIZER)
def test_of_the_optimizer(key: str, value: object, message: str) -> None:
    config = config_with(f"optim_wrapper.{key}", value)
    model = torch.nn.ModuleDict({"backbone": torch.nn.Linear(1, 1)})
    with pytest.raises(InputError) as caught, config_errors(config.filename, "optim_wrapper"):
        build_optim_wrapper(model, config.optim_wrapper)
    check(message, config, "optim_wrapper", caught)


@pytest.mark.parametrize(("key", "value", "message"), HOOK)
def test_of_the_hooks(key: str, value: object, message: str) -> None:
    config = config_with(key, value)
    with pytest.raises(InputError) as caught, config_errors(config.filename, "hooks"):
        for hook in (*config.default_hooks.values(), *config.custom_hooks):
            HOOKS.build(hook)
    check(message, config, "hooks", caught)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("optim_wrapper.clip_grad.max_norm", -1, "optim_wrapper.* max_norm=-1"),
        ("optim_wrapper.clip_grad.max_norm", "a", "optim_wrapper.* max_norm='a'"),
        ("ema", 3, "momentum=3"),
    ],
)
def test_of_what_is_used_only_while_it_trains(key: str, value: object, message: str, tmp_path: Path) -> None:
    config = config_with(key, value)
    config.work_dir = str(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        DepthRunner.from_cfg(config)
    assert str(caught.value).startswith(f"{config.filename}: ")


def test_an_input_error_gets_the_place_once() -> None:
    with pytest.raises(InputError, match="^c.py: model: w.pth: there is no such file$"), config_errors("c.py", "model"):
        raise InputError("w.pth: there is no such file")
    with pytest.raises(InputError, match="^c.py: model: rate=2$"), config_errors("c.py", "model"):
        raise InputError("model: rate=2")
    with (
        pytest.raises(InputError, match="^c.py: model: rate=2$"),
        config_errors("c.py", "train"),
        config_errors("c.py", "model"),
    ):
        raise InputError("rate=2")
    with pytest.raises(InputError, match="^config: model: rate=2$"), config_errors(None, "model"):
        raise InputError("rate=2")


def test_what_a_class_of_another_package_does_not_take_is_named_though_it_says_nothing() -> None:
    message = r"c\.py: data: CenterCrop: cannot be built with crop_size=\(0, 5\) \(AssertionError\)"
    with pytest.raises(InputError, match=message), config_errors("c.py", "data"):
        TRANSFORMS.build(dict(type="mmcv.CenterCrop", crop_size=(0, 5)))


@pytest.mark.parametrize("error", [RuntimeError("shape"), TypeError("a bug"), KeyError("x"), ValueError(), OSError(2)])
def test_bugs_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, config_errors("c.py", "model"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("error", [ValueError("rate must\nbe small"), AssertionError("rate must be small")])
def test_what_a_constructor_says_is_told_in_one_line(error: Exception) -> None:
    with pytest.raises(InputError, match="^c.py: model: rate must be small$"), config_errors("c.py", "model"):
        raise error


def test_a_part_without_its_type() -> None:
    with pytest.raises(InputError, match="a part lacks its 'type': {'rate': 2}"), config_errors("c.py", "model"):
        MODELS.build({"rate": 2})
