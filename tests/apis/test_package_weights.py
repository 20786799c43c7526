"""Weights in the form in which depthkit carries them: half precision, another config, the licence on top."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from depthkit import DepthPredictor
from depthkit.apis.package_weights import package_weights
from depthkit.errors import InputError
from depthkit.models.weights import read_config, read_metadata
from depthkit.zoo.packaged import PUBLISHED
from helpers import REPOSITORY, load_tool


@pytest.fixture
def config(best: Path) -> Config:
    config = read_config(best)
    config.data_root = "data/elsewhere"
    return config


def changed(checkpoint: Path, path: Path, change: Callable[[dict], object]) -> Path:
    content = torch.load(checkpoint)
    change(content)
    torch.save(content, path)
    return path


def test_it_takes_half_the_space_and_predicts_nearly_the_same(best: Path, config: Config, tmp_path: Path) -> None:
    half = package_weights(best, tmp_path / "half.safetensors", config)
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    predictor, full = DepthPredictor(half, device="cpu"), DepthPredictor(best, device="cpu")
    size = sum(4 * weight.numel() for weight in full.model.state_dict().values())
    assert half.stat().st_size < 0.6 * size
    assert all(weight.dtype == torch.float32 for weight in predictor.model.parameters())
    np.testing.assert_allclose(predictor(rgb).depth, full(rgb).depth, rtol=5e-3)
    assert read_config(half).data_root == "data/elsewhere"
    assert predictor.metadata == PUBLISHED and read_metadata(half).metrics == read_metadata(best).metrics


def test_weights_of_another_licence_are_refused(best: Path, config: Config, tmp_path: Path) -> None:
    licence = "Apache-2.0 AND CC-BY-NC-4.0"

    def change(content: dict) -> None:
        content["depthkit"]["config"]["published"] = {"licence": licence, "started_from": "depth-anything-v2-large"}

    path = changed(best, tmp_path / "started.pth", change)
    with pytest.raises(InputError, match=f"started.pth: its weights are under {licence}, and rooms-deit-tiny is"):
        package_weights(path, tmp_path / "out.safetensors", config)
    assert not (tmp_path / "out.safetensors").exists()


def test_what_is_not_this_model_is_refused(best: Path, config: Config, tmp_path: Path) -> None:
    key = next(name for name in torch.load(best)["state_dict"] if name.startswith("decode_head"))
    cases = {
        "lacks.pth": (lambda content: content["state_dict"].pop(key), "lacks.pth: is a checkpoint of another model"),
        "large.pth": (lambda content: content["state_dict"][key].fill_(1e5), "has values that float16 does not hold"),
        "old.pth": (lambda content: content.pop("depthkit"), "old.pth: carries no config"),
    }
    for name, (change, message) in cases.items():
        with pytest.raises(InputError, match=message):
            package_weights(changed(best, tmp_path / name, change), tmp_path / "out.safetensors", config)
    assert not (tmp_path / "out.safetensors").exists()


def test_the_command(call_tool, best: Path, tmp_path: Path) -> None:
    tool, out = load_tool("analysis_tools/package_model").main, tmp_path / "out.safetensors"
    for args, message in (
        ((best, "none"), "error: none: there is no such config"),
        ((tmp_path / "none.pth", "rooms_deit_tiny"), "none.pth: no such checkpoint file"),
        ((best, "rooms_deit_tiny"), "is a checkpoint of another model"),
    ):
        done = call_tool(tool, *args, "--out", out)
        assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
    assert not out.exists()
    packaged = REPOSITORY / "depthkit" / "_weights" / "rooms-deit-tiny.safetensors"
    done = call_tool(tool, packaged, "rooms_deit_tiny", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "12.45 MB, SHA-256 " in done.stdout and read_metadata(out).config["published"] == PUBLISHED
