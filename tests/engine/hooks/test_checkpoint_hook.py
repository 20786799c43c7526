import json
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook

import depthkit.engine.runner
from depthkit.engine import AtomicCheckpointHook, DepthRunner
from depthkit.errors import InputError
from depthkit.models.checkpoint_file import read_checkpoint
from depthkit.models.weights import read_metadata
from depthkit.registry import DATASETS
from helpers import run_python

KEEP_TWO = {"checkpoint": {"type": "AtomicCheckpointHook", "interval": 1, "max_keep_ckpts": 2}}
BEST = {"checkpoint": {"type": "AtomicCheckpointHook", "interval": 1, "save_best": "abs_rel", "rule": "less"}}


class Metric(Hook):
    """Stands for a validation after each epoch, with these results."""

    priority = "LOWEST"

    def __init__(self, *values: float) -> None:
        self.values = list(values)

    def after_train_epoch(self, runner) -> None:
        # mmengine validates when the epoch has been counted.
        runner._train_loop._epoch += 1
        saving = next(hook for hook in runner.hooks if isinstance(hook, AtomicCheckpointHook))
        saving.after_val_epoch(runner, {"abs_rel": self.values.pop(0)})
        runner._train_loop._epoch -= 1


def names(runner: DepthRunner) -> set[str]:
    return {path.name for path in Path(runner.work_dir).glob("*.pth")}


def hidden_files(runner: DepthRunner) -> list[Path]:
    return list(Path(runner.work_dir).glob(".*"))


def train(config, *hooks: Hook) -> DepthRunner:
    runner = DepthRunner.from_cfg(config)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner


def test_the_newest_are_kept_and_can_be_read_without_executing_code(tiny_config) -> None:
    runner = train(tiny_config(default_hooks=KEEP_TWO, train_cfg={"type": "TrainLoop", "max_epochs": 4}))
    assert names(runner) == {"epoch_3.pth", "epoch_4.pth"}
    assert hidden_files(runner) == []
    content = read_checkpoint(Path(runner.work_dir) / "epoch_4.pth")
    assert {"meta", "state_dict", "optimizer", "param_schedulers", "message_hub"} <= content.keys()


@pytest.mark.slow
def test_what_is_saved_stands_alone(tiny_config) -> None:
    config = tiny_config(default_hooks=BEST, custom_hooks=[{"type": "EMAHook", "momentum": 0.5}])
    runner = train(config, Metric(0.4, 0.5))
    best = Path(runner.work_dir) / "best_abs_rel_epoch_1.pth"
    script = """
import json, sys, torch
content = torch.load(sys.argv[1])
assert not {"mmengine", "depthkit"} & sys.modules.keys()
print(json.dumps(content["depthkit"]))
"""
    done = run_python("-c", script, best)
    assert done.returncode == 0, done.stderr
    block = json.loads(done.stdout)
    assert block["metrics"] == {"abs_rel": 0.4} and block["version"] == depthkit.__version__
    assert block["config"]["model"] == {"type": "Line"} and "work_dir" not in block["config"]
    periodic = [read_metadata(Path(runner.work_dir) / f"epoch_{epoch}.pth").metrics for epoch in (1, 2)]
    assert periodic == [{"abs_rel": 0.4}, {"abs_rel": 0.5}], "each has those of its own weights"


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ({"save_best": "nope", "rule": "less"}, "save_best='nope': the validation does not measure this.*abs_rel"),
        ({"interval": "abc"}, "AtomicCheckpointHook: interval='abc': expected a whole number"),
        ({"rule": "more"}, "rule='more': expected one of 'less' or 'greater'|rule='more': expected"),
        ({"max_keep_ckpt": 2}, "'max_keep_ckpt'; did you mean max_keep_ckpts"),
    ],
)
def test_mistakes_in_its_arguments(tiny_config, hook, message) -> None:
    hooks = {"checkpoint": {"type": "AtomicCheckpointHook", "interval": 1, **hook}}
    with pytest.raises(InputError, match=message):
        train(tiny_config(default_hooks=hooks), Metric(0.4))


def test_a_metric_that_says_what_it_measures_is_asked_before_the_training(tiny_config) -> None:
    loader = tiny_config().train_dataloader
    config = tiny_config(
        default_hooks={"checkpoint": {"type": "AtomicCheckpointHook", "save_best": "top2", "rule": "greater"}},
        val_dataloader=loader,
        val_cfg={},
        val_evaluator={"type": "Accuracy"},
    )
    with pytest.raises(InputError, match="save_best='top2': .* expected one of top1, top5"):
        train(config)
    assert DATASETS.get("Numbers").seen == []


def test_an_old_one_is_removed_only_when_the_new_one_is_complete(tiny_config, monkeypatch) -> None:
    there_while_saving = []
    write = depthkit.engine.runner.os.replace

    def note(source, target) -> None:
        there_while_saving.append({path.name for path in Path(target).parent.glob("*.pth")})
        write(source, target)

    monkeypatch.setattr(depthkit.engine.runner.os, "replace", note)
    config = tiny_config(
        default_hooks={"checkpoint": {"type": "AtomicCheckpointHook", "interval": 1, "max_keep_ckpts": 1}},
        train_cfg={"type": "TrainLoop", "max_epochs": 3},
    )
    runner = train(config)
    assert there_while_saving == [set(), {"epoch_1.pth"}, {"epoch_2.pth"}]
    assert names(runner) == {"epoch_3.pth"}


def test_the_best_by_the_rule_is_kept(tiny_config) -> None:
    config = tiny_config(default_hooks=BEST, train_cfg={"type": "TrainLoop", "max_epochs": 4})
    runner = train(config, Metric(0.4, 0.2, 0.3, float("nan")))
    assert {name for name in names(runner) if name.startswith("best")} == {"best_abs_rel_epoch_2.pth"}


def test_a_full_disk_leaves_the_ones_before_and_nothing_half_written(tiny_config, monkeypatch) -> None:
    from mmengine.fileio.backends import LocalBackend

    put = LocalBackend.put

    def full_at_epoch_3(self, obj, filepath) -> None:
        if "epoch_3" in str(filepath):
            Path(filepath).write_bytes(obj[:100])
            raise OSError(28, "No space left on device", str(filepath))
        put(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, "put", full_at_epoch_3)
    config = tiny_config(default_hooks=KEEP_TWO, train_cfg={"type": "TrainLoop", "max_epochs": 4})
    runner = DepthRunner.from_cfg(config)
    with pytest.raises(InputError, match=r"epoch_3.pth: the checkpoint cannot be written \(No space left on device\)"):
        runner.train()
    assert names(runner) == {"epoch_1.pth", "epoch_2.pth"}
    assert hidden_files(runner) == []


def test_a_best_one_that_is_found_again_after_resuming_is_not_removed(tiny_config) -> None:
    config = tiny_config(default_hooks=BEST, train_cfg={"type": "TrainLoop", "max_epochs": 2})
    runner = train(config, Metric(0.4, 0.3))
    # Killed before the second epoch's end was saved: epoch_1 is the newest; the second comes out better now.
    (Path(runner.work_dir) / "epoch_2.pth").unlink()
    config.resume = True
    again = train(config, Metric(0.2))
    assert "best_abs_rel_epoch_2.pth" in names(again)
    state = torch.load(Path(again.work_dir) / "best_abs_rel_epoch_2.pth")
    assert state["message_hub"]["runtime_info"]["best_score"] == 0.2
