"""Backends of a config's visualizer: a missing package is one sentence, and the log of scalars is always written."""

import importlib.util

import pytest
from mmengine.config import Config

from depthkit.engine import log_backends
from depthkit.engine.log_backends import backend_errors, check_package, complete_backends
from depthkit.errors import InputError


def config(*types: str) -> Config:
    return Config({"visualizer": {"type": "Visualizer", "vis_backends": [{"type": name} for name in types]}})


@pytest.mark.parametrize("package", ["tensorboard", "wandb"])
def test_a_missing_package_is_one_sentence_that_names_the_extra(monkeypatch, package) -> None:
    monkeypatch.setattr(log_backends, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=rf"^--x: needs the package {package}; run: pip install 'depthkit\[{package}\]'$"
    ):
        check_package(package, "--x")
    for name in ("WandbVisBackend", "mmengine.TensorboardVisBackend"):
        with pytest.raises(InputError, match="visualizer: .*VisBackend: needs the package"):
            complete_backends(config("LocalVisBackend", name))


def test_the_log_of_scalars_is_added_where_it_is_missing(monkeypatch) -> None:
    monkeypatch.setattr(log_backends, "find_spec", importlib.util.find_spec)
    given = config("MLflowVisBackend")
    complete_backends(given)
    assert [one.type for one in given.visualizer.vis_backends] == ["LocalVisBackend", "MLflowVisBackend"]
    complete_backends(given)
    assert len(given.visualizer.vis_backends) == 2
    nothing = Config({})
    complete_backends(nothing)
    assert "visualizer" not in nothing


def test_what_wandb_refuses_is_one_sentence_and_nothing_else() -> None:
    refused = type("UsageError", (Exception,), {"__module__": "wandb.errors"})
    with pytest.raises(InputError, match=r"cannot be used \(No key\); run wandb login"), backend_errors():
        raise refused("No\nkey")
    with pytest.raises(KeyError), backend_errors():
        raise KeyError("a bug")


@pytest.mark.parametrize("backends", ["WandbVisBackend", ["WandbVisBackend"], [{}]])
def test_another_kind_of_value_is_one_sentence(backends) -> None:
    with pytest.raises(InputError, match="visualizer: expected dict"):
        complete_backends(Config({"visualizer": {"vis_backends": backends}}))
