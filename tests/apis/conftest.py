"""A model that was trained for an epoch in seconds, on generated rooms."""

from pathlib import Path

import pytest

from depthkit.apis.train import train
from depthkit.utils.config import load_config
from helpers import TINY_ROOMS


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
