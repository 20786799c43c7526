"""A model that was trained for an epoch in seconds, on generated rooms."""

from pathlib import Path

import pytest

from depthkit.apis.train import train
from depthkit.utils.config import load_config

CONFIG = """
_base_ = ["{configs}/_base_/schedules/depth_20e.py", "{configs}/default_runtime.py"]
max_epochs = 1
ema = None
size = [64, 64]  # a list, as it is in a checkpoint
train_cfg = dict(max_epochs=max_epochs)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(type="Rooms", length=16, size=size, seed=0, pipeline=[dict(type="PackDepthInputs")]),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="Rooms", length=3, size=size, seed=1, pipeline=[dict(type="PackDepthInputs")]),
)
test_pipeline = [dict(type="PackDepthInputs")]
test_evaluator = dict(type="DepthProtocolMetric", protocol="full")
val_dataloader, val_evaluator = test_dataloader, test_evaluator
custom_hooks = [dict(type="EMAHook", momentum=0.1)]
model = dict(
    type="DepthEstimator",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[124, 116, 104], std=[58, 57, 57], bgr_to_rgb=False, size_divisor=1,
        pad_val=0, seg_pad_val=0,
    ),
    backbone=dict(
        type="ToSA", img_size=64, embed_dim=48, depth=4, num_heads=3, keep_rate=0.5, selection="shared",
        out_indices=(0, 1, 2, 3), pretrained=None,
    ),
    decode_head=dict(type="DPTHead", in_channels=(48,) * 4, channels=16, losses=[dict(type="ScaleInvariantLogLoss")]),
    test_cfg=dict(mode="whole", flip=False),
)
"""


@pytest.fixture(scope="package")
def config_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny_rooms.py"
    path.write_text(CONFIG.format(configs=Path(__file__).resolve().parents[2] / "configs"))
    return path


@pytest.fixture(scope="package")
def trained_folder(config_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder of a training of one epoch, with a moving average of the weights."""
    folder = tmp_path_factory.mktemp("trained")
    train(load_config(config_path), work_dir=folder, device="cpu")
    return folder


@pytest.fixture(scope="package")
def best(trained_folder: Path) -> Path:
    """The best checkpoint of that training."""
    return next(trained_folder.glob("best_*.pth"))
