"""A model that was trained for an epoch in seconds, on generated rooms, and one that was not trained."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from depthkit.apis.predictor import DepthPredictor
from depthkit.apis.train import train
from depthkit.registry import MODELS, depthkit_scope
from depthkit.utils.config import load_config
from helpers import TINY_ROOMS
from plain_config import CONFIG


@pytest.fixture(scope="package")
def config_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny_rooms.py"
    path.write_text(TINY_ROOMS)
    return path


@pytest.fixture(scope="package")
def trained_folder(config_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder of a training of one epoch, with a moving average of the weights."""
    folder = tmp_path_factory.mktemp("trained")
    train(load_config(config_path, {"max_epochs": 1, "ema": 0.1}), work_dir=folder, device="cpu")
    return folder


@pytest.fixture(scope="package")
def best(trained_folder: Path) -> Path:
    """The best checkpoint of that training."""
    return next(trained_folder.glob("best_*.pth"))


@pytest.fixture(scope="package")
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """A config and a checkpoint of its model."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.py").write_text(CONFIG)
    torch.manual_seed(0)
    with depthkit_scope():
        model = MODELS.build(Config.fromfile(folder / "config.py").model)
    *_, last_weight = (value for value in model.decode_head.parameters() if value.ndim == 4)
    torch.nn.init.normal_(last_weight, std=3.0)
    torch.save(model.state_dict(), folder / "weights.pth")
    return folder / "config.py", folder / "weights.pth"


@pytest.fixture(scope="package")
def predictor(trained) -> DepthPredictor:
    return DepthPredictor(*trained)
