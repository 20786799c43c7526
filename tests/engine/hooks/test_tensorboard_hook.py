"""TensorBoard's file has each step of a training once, also after it was stopped and resumed."""

import json
from collections import Counter
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook

from depthkit.engine import DepthRunner, TensorBoardHook
from depthkit.engine.drawings import draw_over_epochs, drawing_path, note_drawn
from depthkit.engine.hooks import tensorboard_hook
from depthkit.engine.learning_curves import write_learning_curves
from depthkit.engine.log_backends import check_package
from depthkit.engine.scalar_log import ScalarLog
from depthkit.errors import InputError
from depthkit.registry import HOOKS, METRICS
from depthkit.utils.io import read_rgb, write_rgb

pytest.importorskip("tensorboard", reason="needs the extra [tensorboard]")


_NUMBERS = count()


@METRICS.register_module()
class Seen(BaseMetric):
    """How many samples there were."""

    def process(self, data_batch, data_samples) -> None:
        self.results += [1.0 for _ in data_samples]

    def compute_metrics(self, results) -> dict[str, float]:
        return {"abs_rel": float(len(results))}


class Draw(Hook):
    """Draws as DepthVisualizationHook does, an image whose shade is the iteration."""

    def after_val_epoch(self, runner, metrics=None) -> None:
        (Path(runner.work_dir) / "vis").mkdir(exist_ok=True)
        image = np.full((8, 12, 3), 10 * runner.iter, np.uint8)
        write_rgb(drawing_path(runner.work_dir, "val_0000_a", runner.iter), image)
        note_drawn(runner)

    def after_train(self, runner) -> None:
        draw_over_epochs(runner)


class Stop(Exception):
    pass


class StopHook(Hook):
    priority = "LOWEST"

    def __init__(self, iteration: int | None) -> None:
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if runner.iter + 1 == self.iteration:
            raise Stop


@pytest.fixture
def train(tiny_config):
    """`train("name", stop_at, resume)`: four epochs of five iterations, each with a validation and a checkpoint."""

    def run(name: str, stop_at: int | None = None, resume: bool = False, tensorboard: bool = True) -> DepthRunner:
        config = tiny_config(
            name,
            resume=resume,
            experiment_name=f"{name}_{next(_NUMBERS)}",  # one process keeps a message hub for each
            train_cfg={"type": "TrainLoop", "max_epochs": 4},
            val_dataloader={
                "batch_size": 2,
                "sampler": {"type": "DefaultSampler", "shuffle": False},
                "dataset": {"type": "Numbers", "length": 4},
            },
            val_cfg={},
            val_evaluator={"type": "Seen"},
            default_hooks={
                "checkpoint": {"type": "AtomicCheckpointHook", "interval": 1},
                "logger": {"type": "LoggerHook", "interval": 2},
            },
        )
        runner = DepthRunner.from_cfg(config)
        for hook in [Draw(), *([TensorBoardHook()] if tensorboard else []), StopHook(stop_at)]:
            runner.register_hook(hook)
        with suppress(Stop):
            runner.train()
        return runner

    return run


def events(work_dir: str) -> dict[str, list[tuple[int, float]]]:
    """Read every event of all files, without TensorBoard's own removal of steps that occur twice."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found: dict[str, list] = {}
    for path in sorted((Path(work_dir) / "tensorboard").iterdir()):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                number = make_ndarray(value.tensor)
                found.setdefault(value.tag, []).append((event.step, float(number) if number.ndim == 0 else len(number)))
    return found


def without_times(found: dict[str, list]) -> dict[str, list]:
    return {tag: points for tag, points in found.items() if not tag.endswith(("time", "memory"))}


def test_every_scalar_and_drawing_stands_at_its_iteration(train) -> None:
    runner = train("straight")
    found = events(runner.work_dir)
    assert [step for step, _ in found["train/loss"]] == [2, 4, 7, 9, 12, 14, 17, 19]
    assert found["val/abs_rel"] == [(5, 4), (10, 4), (15, 4), (20, 4)]
    assert [step for step, _ in found["val_0000_a"]] == [5, 10, 15, 20]
    (path,) = Path(runner.log_dir).glob("vis_data/scalars.json")
    logged = [json.loads(line) for line in path.read_text().splitlines()]
    expected = [line["loss"] for line in logged if "loss" in line]
    assert [value for _, value in found["train/loss"]] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("stop_at", [5, 14, 20])
def test_stopped_anywhere_and_resumed_there_are_the_same_events(train, stop_at) -> None:
    straight = without_times(events(train("straight").work_dir))
    train("stopped", stop_at)
    resumed = train("stopped", resume=True)
    assert len(list((Path(resumed.work_dir) / "tensorboard").iterdir())) == 1
    found = without_times(events(resumed.work_dir))
    assert found == straight
    assert max(Counter(step for step, _ in found["train/loss"]).values()) == 1


def test_a_training_may_be_resumed_with_tensorboard_that_began_without(train) -> None:
    straight = without_times(events(train("straight").work_dir))
    train("stopped", 13, tensorboard=False)
    assert without_times(events(train("stopped", resume=True).work_dir)) == straight


def test_what_was_logged_before_a_kill_is_in_the_file(train) -> None:
    stopped = train("stopped", 13)  # its writer is not closed
    assert events(stopped.work_dir)["train/loss"][-1][0] == 12


def test_the_curves_and_the_drawings_over_epochs_are_those_of_the_whole_training(train) -> None:
    written = []
    for runner in (train("straight"), train("stopped", 13) and train("stopped", resume=True)):
        path = write_learning_curves(runner, "abs_rel", 4.0)
        assert path == Path(runner.work_dir) / "learning_curves.png"
        entries = list(ScalarLog(runner).read())
        assert [e.iteration for e in entries if e.split == "train"] == [2, 4, 7, 9, 12, 14, 17, 19]
        assert [e.iteration for e in entries if e.split == "val"] == [5, 10, 15, 20]
        written.append((read_rgb(path), read_rgb(Path(runner.work_dir) / "vis" / "val_0000_a_over_epochs.png")))
    for straight, resumed in zip(*written, strict=True):
        np.testing.assert_array_equal(straight, resumed)
    sheet = written[0][1]
    assert [int(shade) for shade in dict.fromkeys(sheet[:, -1, 0].tolist())] == [50, 100, 150, 200]


def test_drawings_of_an_earlier_training_in_the_folder_are_left_out(train) -> None:
    runner = train("run", 3)
    stale = drawing_path(runner.work_dir, "val_0000_a", 7)
    stale.parent.mkdir()
    write_rgb(stale, np.zeros((8, 12, 3), np.uint8))
    runner = train("run")
    assert [step for step, _ in events(runner.work_dir)["val_0000_a"]] == [5, 10, 15, 20]
    assert stale.is_file()


def test_by_the_config_too_and_without_the_package_one_sentence(monkeypatch) -> None:
    assert isinstance(HOOKS.build({"type": "TensorBoardHook"}), TensorBoardHook)
    monkeypatch.setattr(
        tensorboard_hook, "check_package", lambda package, asked: check_package("no_such_package", asked)
    )
    with pytest.raises(InputError, match=r"TensorBoardHook: needs the package .*pip install 'depthkit\["):
        HOOKS.build({"type": "TensorBoardHook"})
