"""Trainings of a tiny Runner that are killed at one of their writes, resumed, and compared with one never killed."""

import gc
import importlib
import os
import signal
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric

from depthkit.engine import DepthRunner
from depthkit.engine.work_folder import clean_work_folder
from depthkit.registry import DATASETS, METRICS, MODELS
from kills.comparison import differences
from kills.kill_points import Kill, WriteCounter
from kills.training import IMPORTED_LATE

Numbers, Line = DATASETS.get("Numbers"), MODELS.get("Line")


@DATASETS.register_module()
class NoisyNumbers(Numbers):
    def prepare_data(self, idx: int) -> dict:
        sample = super().prepare_data(idx)
        return {**sample, "inputs": sample["inputs"] + np.random.randn() + torch.randn(1)}


@MODELS.register_module()
class NoisyLine(Line):
    def forward(self, inputs, data_samples=None, mode="tensor"):
        if mode == "loss":
            noise = torch.randn(())
            return super().forward([value + noise for value in inputs], data_samples, mode)
        for sample, out in zip(data_samples, self.backbone(torch.stack(list(inputs))), strict=True):
            sample.set_field(out, "out")
        return data_samples


@METRICS.register_module()
class DistanceToOne(BaseMetric):
    metric_names = ("abs_rel",)

    def process(self, data_batch, data_samples) -> None:
        self.results += [float(sample["out"]) for sample in data_samples]

    def compute_metrics(self, results) -> dict[str, float]:
        return {"abs_rel": abs(float(np.mean(results)) - 1)}


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """Import before the forks what each of them would take seconds for."""
    for name in IMPORTED_LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a data set collects garbage, in each fork


HOOKS = {
    "epochs": {"interval": 1, "max_keep_ckpts": 2},
    "iterations": {"interval": 2, "by_epoch": False, "max_keep_ckpts": 1},
    "ends of epochs": {"interval": 3, "by_epoch": False},
    "every second epoch": {"interval": 2},
}


@pytest.fixture(params=HOOKS)
def make(request, tiny_config):
    """`make("name")`: the config of a training of three epochs with three iterations and a validation each."""

    def config(name: str, resume: bool = False):
        checkpoint = {"type": "AtomicCheckpointHook", "save_best": "abs_rel", "rule": "less", **HOOKS[request.param]}
        made = tiny_config(
            name,
            resume=resume,
            model={"type": "NoisyLine"},
            train_cfg={"type": "TrainLoop", "max_epochs": 3},
            val_dataloader={
                "batch_size": 2,
                "sampler": {"type": "DefaultSampler", "shuffle": False},
                "dataset": {"type": "Numbers", "length": 4},
            },
            val_cfg={},
            val_evaluator={"type": "DistanceToOne"},
            optim_wrapper={"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.3, "momentum": 0.5}},
            param_scheduler=[
                {"type": "StepLR", "step_size": 1, "gamma": 0.7},
                {"type": "ConstantLR", "by_epoch": False},
            ],
            default_hooks={"checkpoint": checkpoint, "logger": {"type": "LoggerHook", "interval": 1}},
            custom_hooks=[{"type": "EMAHook", "momentum": 0.3}],
        )
        made.train_dataloader.dataset = {"type": "NoisyNumbers", "length": 6}
        return made

    return config


def train(config, kill: Kill | None = None) -> tuple[int, int]:
    """Train in a fork; return its status, negative for a signal, and how often it wrote."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            counter = WriteCounter(Path(config.work_dir), kill)
            clean_work_folder(config.work_dir)
            DepthRunner.from_cfg(config).train()
            os.write(writing, str(counter.count).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(reading) as count:
        return os.waitstatus_to_exitcode(status), int(count.read() or 0)


def kill_and_compare(make, *kills: Kill) -> None:
    """Kill one training by the first of these, the resumed one by the second, and so on."""
    straight, killed = make("straight"), make("killed")
    if not Path(straight.work_dir).exists():
        assert train(straight)[0] == 0
    for number, kill in enumerate(kills):
        assert train(make("killed", resume=number > 0), kill)[0] in (-signal.SIGKILL, 0)
    assert train(make("killed", resume=True))[0] == 0
    assert differences(Path(straight.work_dir), Path(killed.work_dir)) == []


def test_killed_in_the_middle_and_again_it_ends_as_one_never_killed(make) -> None:
    kill_and_compare(make, Kill(write=30, torn=True), Kill(write=20, torn=True))


@pytest.mark.slow
def test_killed_at_each_few_writes(make, request, tmp_path) -> None:
    """Every second one leaves the file that it would have written torn."""
    status, count = train(make("straight"))
    assert status == 0 and count > 25
    every = {"epochs": 2, "iterations": 4}.get(request.node.callspec.params["make"], 5)
    for number, write in enumerate(range(1, count + 1, every)):
        kill_and_compare(make, Kill(write=write, torn=number % 2 == 1))
        (tmp_path / "killed").rename(tmp_path / f"killed_{write}")


def test_a_training_that_was_complete_is_left_as_it_is(make) -> None:
    assert train(make("straight"))[0] == 0
    before = {path: path.stat().st_mtime_ns for path in Path(make("straight").work_dir).glob("*.pth")}
    assert train(make("straight", resume=True))[0] == 0
    assert {path: path.stat().st_mtime_ns for path in Path(make("straight").work_dir).glob("*.pth")} == before
