"""Training by its function: what it leaves behind, and what it finds before it starts."""

from pathlib import Path

import mmengine.device
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import CheckpointLoader

import depthkit.models.weights
from depthkit import DepthPredictor
from depthkit.apis.train import train
from depthkit.errors import InputError
from depthkit.models.weights import read_metadata
from depthkit.utils.config import load_config


def settings() -> tuple:
    return dict(CheckpointLoader._schemes), DefaultScope.get_current_instance(), mmengine.device.get_device()


def test_the_best_checkpoint_stands_alone(best: Path) -> None:
    info = read_metadata(best)
    assert (info.kind, info.config_name) == ("metric", "tiny_rooms")
    assert 0 < info.metrics["abs_rel"] < 10
    result = DepthPredictor(best)(torch.zeros(50, 70, 3, dtype=torch.uint8).numpy())
    assert result.depth.shape == (50, 70)


def test_mmengine_is_as_before_also_after_an_error(config_path: Path, trained_folder: Path, tmp_path: Path) -> None:
    before = settings()
    config = load_config(config_path, {"model.backbone.keep_rate": 0})
    with pytest.raises(InputError, match="keep_rate"):
        train(config, work_dir=tmp_path, device="cpu")
    assert settings() == before


def test_data_that_are_missing_are_found_before_weights_are_downloaded(config_path, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(depthkit.models.weights, "_hub_state", lambda name: pytest.fail("asked the hub"))
    data = {"type": "NYUDepthV2", "data_root": str(tmp_path / "nowhere"), "split": "train", "pipeline": []}
    config = load_config(config_path)
    config.model.backbone.pretrained = True
    for part in ("train_dataloader", "val_dataloader"):
        changed = config.copy()
        changed[part].dataset = data
        with pytest.raises(InputError, match="nowhere"):
            train(changed, work_dir=tmp_path / "work", device="cpu")


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({}, {"seed": -1}, "randomness: seed=-1: expected a number of 0 or more"),
        ({}, {"seed": 2**32}, "seed=4294967296"),
        ({}, {"amp": True}, "--amp: mixed precision needs a GPU"),
        ({}, {"device": "cuda:77"}, "device 'cuda:77'"),
        ({"max_epochs": 0}, {}, "max_epochs=0: expected a number of 1 or more"),
        ({"default_hooks.checkpoint.save_best": "nope"}, {}, "save_best='nope'.*abs_rel"),
        ({"optim_wrapper.optimizer.weight_decay": "abc"}, {}, "weight_decay='abc'"),
    ],
)
def test_mistakes_are_one_sentence(config_path: Path, tmp_path: Path, options, arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        train(load_config(config_path, options), **{"work_dir": tmp_path, "device": "cpu", **arguments})
    assert not list(tmp_path.glob("*.pth"))
