"""A Runner small enough to train in milliseconds: a linear model on ten numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.structures import BaseDataElement

import depthkit.engine  # noqa: F401 (registers)
from depthkit.registry import DATASETS, MODELS


@DATASETS.register_module()
class Numbers(BaseDataset):
    """0, 1, ..., each with a path; `seen` keeps what was read."""

    seen: list[int] = []

    def __init__(self, length: int = 10, poison: int | None = None) -> None:
        self.length = length
        self.poison = poison
        super().__init__()

    def load_data_list(self) -> list[dict]:
        return [{"value": float(i)} for i in range(self.length)]

    def prepare_data(self, idx: int) -> dict:
        self.seen.append(idx)
        value = float("nan") if idx == self.poison else idx / self.length
        sample = BaseDataElement(metainfo={"img_path": f"pictures/{idx}.png"})
        return {"inputs": torch.tensor([value]), "data_samples": sample}


@MODELS.register_module()
class Line(BaseModel):
    """y = a x + b, to be fitted to y = 1; its backbone makes it look like a depth model."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        self.backbone = torch.nn.Linear(1, width)

    def forward(self, inputs, data_samples=None, mode="tensor"):
        out = self.backbone(torch.stack(list(inputs)))
        return {"loss": ((out - 1) ** 2).mean()} if mode == "loss" else data_samples


@pytest.fixture
def tiny_config(tmp_path: Path) -> Callable[..., Config]:
    """`tiny_config(train_cfg=..., ...)`: a config of that Runner, with some parts replaced."""

    def make(name: str = "run", **changes: object) -> Config:
        parts = {
            "model": {"type": "Line"},
            "work_dir": str(tmp_path / name),
            "train_dataloader": {
                "batch_size": 2,
                "num_workers": 0,
                "sampler": {"type": "DefaultSampler", "shuffle": True},
                "dataset": {"type": "Numbers"},
            },
            "train_cfg": {"type": "TrainLoop", "max_epochs": 2},
            "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 0.1}},
            "param_scheduler": {"type": "OneCycleLR"},
            "default_hooks": {"checkpoint": {"type": "AtomicCheckpointHook", "interval": 1}},
            "custom_hooks": [{"type": "CheckInvalidLossHook"}],
            "default_scope": "depthkit",
            "randomness": {"seed": 0},
            "experiment_name": f"{tmp_path.name}_{name}",
        }
        Numbers.seen.clear()
        return Config({**parts, **changes}, filename=None)

    yield make
    DefaultScope._instance_dict.clear()
