from pathlib import Path

import pytest

from depthkit.engine import DepthRunner
from depthkit.errors import InputError


def test_a_loss_that_is_nan_stops_with_iteration_and_pictures_before_anything_is_saved(tiny_config) -> None:
    config = tiny_config(
        default_hooks={"checkpoint": {"type": "AtomicCheckpointHook", "interval": 1, "by_epoch": False}}
    )
    config.train_dataloader.sampler.shuffle = False
    config.train_dataloader.dataset.poison = 5  # in the third batch: 4, 5
    runner = DepthRunner.from_cfg(config)
    with pytest.raises(InputError, match="^iteration 3: loss is not finite") as caught:
        runner.train()
    assert "pictures/4.png, pictures/5.png" in str(caught.value)
    assert {path.name for path in Path(config.work_dir).glob("*.pth")} == {"iter_1.pth", "iter_2.pth"}
