"""Real trainings by `depthkit train` that are killed at random moments; `python -m tests.kills` runs more of them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from helpers import tool_environment
from kills.campaign import Campaign
from kills.kill_points import Kill
from kills.training import write_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Campaign]]:
    """`campaign(2)`: the trainings of two processes."""
    made: dict[int, Campaign] = {}

    def make(processes: int) -> Campaign:
        if processes not in made:
            made[processes] = Campaign(tmp_path_factory.mktemp(f"kills_{processes}"), processes)
        return made[processes]

    yield make
    for one in made.values():
        one.close()


@pytest.mark.parametrize(("processes", "kills", "seed"), [(1, 18, 0), (2, 2, 97)])
def test_killed_and_resumed_they_end_as_one_never_killed(campaign, processes: int, kills: int, seed: int) -> None:
    """The seeds are two of those that kill a training several times; with two processes, each of them once."""
    done = []
    for trial in campaign(processes).trials(seed, count=kills):
        done.append(trial)
        if sum(len(one.kills) for one in done) >= kills:
            break
    assert {trial.name: (trial.kills, trial.problems) for trial in done if trial.problems} == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_training_in_order(campaign, number: int) -> None:
    trainings = campaign(1)
    straight = trainings.straight("epochs")
    folder = trainings.folder / signal.Signals(number).name
    args = ["train", straight.config, "--out", folder, "--device", "cpu"]
    end = trainings.server.run(args, folder, Kill(write=straight.writes // 2, number=number))[0]
    assert end["status"] == 128 + number
    assert re.search(r"stopped at iteration \d+ of 12; .* same command with --resume", end["output"])
    assert "Traceback" not in end["output"]
    assert not [path.name for path in folder.rglob(".*")]
    assert trainings.server.run([*args, "--resume"], folder)[0]["status"] == 0
    assert trainings.server.compare(straight.folder, folder) == []


def test_torchrun_restarts_a_training_that_lost_a_process(campaign, tmp_path) -> None:
    """The config kills the second process once, in the third epoch."""
    trainings = campaign(2)
    straight = trainings.straight("epochs")
    config = tmp_path / "lost.py"
    config.write_text(
        f'_base_ = "{write_config(tmp_path, "epochs", 2)}"\n'
        'custom_imports = dict(imports=["lost_process"])\n'
        'custom_hooks = [*_base_.custom_hooks, dict(type="LostProcess")]\n'
    )
    (tmp_path / "lost_process.py").write_text(_LOST_PROCESS)
    launch = ["-m", "torch.distributed.run", "--standalone", "--local_addr", "127.0.0.1", "--nproc_per_node", "2"]
    command = ["-m", "depthkit.cli.main", "train", config, "--out", tmp_path / "out", "--launcher", "pytorch"]
    paths = os.pathsep.join([tool_environment()["PYTHONPATH"], str(tmp_path)])
    done = subprocess.run(
        [sys.executable, *launch, "--max-restarts", "1", *map(str, command), "--device", "cpu"],
        env=tool_environment({"GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": ""}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "resumed from" in done.stdout
    found = trainings.server.compare(straight.folder, tmp_path / "out")
    assert [line for line in found if "depthkit: config" not in line] == []


_LOST_PROCESS = """
import os, signal
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class LostProcess(Hook):
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.rank == 1 and runner.iter == 9 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)
"""
