"""Resuming with a changed config."""

from pathlib import Path

import pytest
import torch

from depthkit.engine import DepthRunner
from depthkit.errors import InputError

MULTI_STEP = {"type": "MultiStepLR", "milestones": [1, 3]}
COSINE = {"type": "CosineAnnealingLR", "by_epoch": False}


def train(config) -> DepthRunner:
    runner = DepthRunner.from_cfg(config)
    runner.train()
    return runner


def trained(tiny_config, **changes) -> Path:
    runner = train(tiny_config(**changes))
    (Path(runner.work_dir) / "epoch_2.pth").unlink()
    return Path(runner.work_dir) / "epoch_1.pth"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 0.2}}},
            r"epoch_1.pth: was trained with optim_wrapper.optimizer.lr=0.1, the config has 0.2; resume with the same",
        ),
        ({"param_scheduler": {"type": "OneCycleLR", "pct_start": 0.5}}, "param_scheduler.*pct_start=nothing, .* 0.5"),
        ({"param_scheduler": [COSINE, MULTI_STEP]}, "was trained with param_scheduler="),
        ({"param_scheduler": None}, "was trained with param_scheduler="),
        ({"auto_scale_lr": {"base_batch_size": 4, "enable": True}}, "auto_scale_lr=None|auto_scale_lr=nothing"),
        ({"randomness": {"seed": 1}}, "randomness.seed=0, the config has 1"),
    ],
)
def test_another_rate_schedule_or_seed_is_refused(tiny_config, change, message) -> None:
    trained(tiny_config)
    with pytest.raises(InputError, match=message):
        train(tiny_config(resume=True, **change))


@pytest.mark.parametrize("schedule", [COSINE, {"type": "CosineAnnealingLR", "convert_to_iter_based": True}, MULTI_STEP])
def test_a_schedule_over_another_length_is_refused_also_without_a_config_in_the_file(tiny_config, schedule) -> None:
    path = trained(tiny_config, param_scheduler=schedule)
    longer = {"resume": True, "param_scheduler": schedule, "train_cfg": {"type": "TrainLoop", "max_epochs": 3}}
    with pytest.raises(InputError, match="of a training of 10 iterations, this one has 15"):
        train(tiny_config(**longer))
    content = torch.load(path)
    del content["depthkit"]
    torch.save(content, path)
    with pytest.raises(InputError, match="of a training of 10 iterations, this one has 15"):
        train(tiny_config(**longer))


def test_without_a_schedule_a_training_may_be_longer(tiny_config) -> None:
    trained(tiny_config, param_scheduler=None)
    longer = {"type": "TrainLoop", "max_epochs": 3}
    assert train(tiny_config(resume=True, param_scheduler=None, train_cfg=longer)).iter == 15


def test_other_settings_apply_and_are_named(tiny_config, capsys) -> None:
    trained(tiny_config)
    config = tiny_config(resume=True, custom_hooks=[])
    config.train_dataloader.num_workers = 1
    train(config)
    printed = capsys.readouterr().out
    assert "epoch_1.pth: resumed with other settings than before: custom_hooks\n" in printed
    train(tiny_config("again", resume=True))
    assert "other settings" not in capsys.readouterr().out


def test_the_same_settings_written_otherwise_are_the_same(tiny_config, capsys) -> None:
    before, now = ({"type": "AdamW", "lr": 0.1, "betas": betas} for betas in ((0.9, 0.99), [0.9, 0.99]))
    trained(tiny_config, param_scheduler=[COSINE], optim_wrapper={"type": "OptimWrapper", "optimizer": before})
    train(tiny_config(resume=True, param_scheduler=COSINE, optim_wrapper={"type": "OptimWrapper", "optimizer": now}))
    assert "other settings" not in capsys.readouterr().out
