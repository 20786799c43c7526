"""Training by its function: what it leaves behind, and what it finds before it starts."""

from pathlib import Path

import pytest
import torch

import depthkit.models.weights
from depthkit import DepthPredictor
from depthkit.apis.train import train
from depthkit.errors import InputError
from depthkit.models.weights import read_metadata
from depthkit.utils.config import load_config
from helpers import mmengine_settings


def test_the_best_checkpoint_stands_alone(best: Path) -> None:
    info = read_metadata(best)
    assert (info.kind, info.config_name) == ("metric", "tiny_rooms")
    assert 0 < info.metrics["abs_rel"] < 10
    result = DepthPredictor(best)(torch.zeros(50, 70, 3, dtype=torch.uint8).numpy())
    assert result.depth.shape == (50, 70)


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
        ({"max_epochs": 0}, {}, "max_epochs=0: expected a number of 1 or more"),
    ],
)
def test_mistakes_are_one_sentence(config_path: Path, tmp_path: Path, options, arguments, message) -> None:
    before = mmengine_settings()
    with pytest.raises(InputError, match=message):
        train(load_config(config_path, options), **{"work_dir": tmp_path, "device": "cpu", **arguments})
    assert not list(tmp_path.glob("*.pth"))
    assert mmengine_settings() == before
