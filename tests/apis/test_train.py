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


def test_a_folder_with_checkpoints_is_neither_mixed_nor_lost(config_path, trained_folder, tmp_path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in trained_folder.glob("*.pth"):
        (folder / path.name).write_bytes(path.read_bytes())
    before = {path: path.read_bytes() for path in folder.glob("*")}
    with pytest.raises(InputError, match="copy: has 2 checkpoints of a training .*--resume, .*--overwrite"):
        train(load_config(config_path), work_dir=folder, device="cpu")
    with pytest.raises(InputError, match="--resume and --overwrite: one keeps"):
        train(load_config(config_path), work_dir=folder, device="cpu", resume=True, overwrite=True)
    broken = load_config(config_path, {"train_dataloader.dataset.textures": ["nowhere/*.png"]})
    with pytest.raises(InputError, match="nowhere"):
        train(broken, work_dir=folder, device="cpu", overwrite=True)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_overwritten_the_old_checkpoints_are_gone(config_path, tmp_path) -> None:
    for name in ("epoch_7.pth", "best_abs_rel_epoch_7.pth", ".epoch_8.pth.tmp"):
        (tmp_path / name).touch()
    config = load_config(config_path, {"train_cfg.max_iters": 5})
    train(config, work_dir=tmp_path, device="cpu", overwrite=True)
    assert {path.name for path in tmp_path.glob("*.pth")} == {"epoch_1.pth", "best_abs_rel_epoch_1.pth"}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_a_process_that_torchrun_restarts_resumes(config_path, best, tmp_path, monkeypatch) -> None:
    started = {"max_epochs": 1, "load_from": str(best)}
    train(load_config(config_path, {**started, "ema": 0.1}), work_dir=tmp_path, device="cpu", resume=True)
    before = (tmp_path / "epoch_1.pth").stat().st_mtime_ns
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    train(load_config(config_path, {**started, "ema": 0.1}), work_dir=tmp_path, device="cpu", overwrite=True)
    assert (tmp_path / "epoch_1.pth").stat().st_mtime_ns == before
