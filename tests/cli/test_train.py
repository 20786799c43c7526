"""`depthkit train`: data set, model and processes as in a real training, but small."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import REPOSITORY, TINY_ROOMS, tool_environment


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.py"
    path.write_text(TINY_ROOMS)
    return path


def torchrun(*command: object) -> subprocess.CompletedProcess:
    """Run `command` in two processes of this machine; nothing is looked up by the machine's name, which may fail."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--local_addr", "127.0.0.1", "--nproc_per_node", "2"]
    process = subprocess.Popen(
        [sys.executable, *launch, *map(str, command), "--launcher", "pytorch", "--device", "cpu"],
        env=tool_environment({"GLOO_SOCKET_IFNAME": "lo"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # also the processes that torchrun started
        raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def numbers(path: Path) -> dict:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def trained(config: Path, cli_process, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the complete training in one process."""
    folder = tmp_path_factory.mktemp("straight")
    result = cli_process("train", config, "--out", folder, "--device", "cpu", "--json", folder / "train.json")
    assert result.returncode == 0, result.stderr
    assert "Epoch(train) [2][6/6]" in result.stdout
    (best,) = folder.glob("best_abs_rel_epoch_*.pth")
    last = result.stdout.splitlines()[-1]
    assert last.startswith("best checkpoint (abs_rel 0.") and last.endswith(
        f"depthkit predict photo.jpg --weights {best}"
    )
    return folder


@pytest.mark.slow
def test_training_leaves_checkpoints_metrics_and_images(trained: Path) -> None:
    names = {path.name for path in trained.glob("*.pth")}
    written = numbers(trained / "train.json")
    assert written["last_ckpt"] == str(trained / "epoch_2.pth") and Path(written["best_ckpt"]).name in names
    assert 0 < written["metrics"]["abs_rel"] < 2
    assert {"epoch_1.pth", "epoch_2.pth"} <= names
    assert any(name.startswith("best_abs_rel_epoch_") for name in names)
    scalars = next(trained.glob("*/vis_data/scalars.json")).read_text().splitlines()
    assert any("abs_rel" in json.loads(line) for line in scalars)
    assert any("loss_silog" in json.loads(line) for line in scalars)
    assert len(list((trained / "vis").glob("*_iter_*.png"))) == 2 * len(
        list((trained / "vis").glob("*_over_epochs.png"))
    )
    assert (trained / "learning_curves.png").is_file() and not (trained / "tensorboard").exists()


@pytest.mark.slow
def test_with_nothing_to_resume_the_pretrained_weights_are_loaded(config: Path, cli, trained: Path, tmp_path) -> None:
    best = tmp_path / "best_abs_rel_epoch_1.pth"
    best.write_bytes((trained / "epoch_2.pth").read_bytes())
    options = ["--device", "cpu", "--cfg-options", "model.backbone.pretrained=none.pth"]
    result = cli("train", config, "--out", tmp_path, "--resume", *options)
    assert result.returncode == 2
    assert "none.pth: no such checkpoint file" in result.stderr


@pytest.mark.slow
def test_the_cosine_schedule(config: Path, cli, tmp_path) -> None:
    options = ["--device", "cpu", "--cfg-options", "schedule=cosine", "train_cfg.max_iters=3"]
    result = cli("train", config, "--out", tmp_path, *options)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_two_processes_measure_as_one(config: Path, cli, trained: Path, tmp_path) -> None:
    weights = trained / "epoch_2.pth"
    alone = cli("test", weights, "--config", config, "--json", tmp_path / "1.json", "--device", "cpu")
    assert alone.returncode == 0, alone.stderr
    both = torchrun(REPOSITORY / "tools" / "test.py", config, weights, "--out", tmp_path / "2.json")
    assert both.returncode == 0, both.stderr
    first, second = numbers(tmp_path / "1.json"), numbers(tmp_path / "2.json")
    assert (first["processes"], second["processes"]) == (1, 2)
    assert first["images"] == second["images"] == 5
    assert first["metrics"] == pytest.approx(second["metrics"], abs=1e-6)


@pytest.mark.slow
def test_tensorboard_by_one_option(config: Path, cli, tmp_path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra [tensorboard]")
    options = ["--out", tmp_path, "--device", "cpu", "--tensorboard", "--cfg-options", "train_cfg.max_iters=5"]
    result = cli("train", config, *options)
    assert result.returncode == 0, result.stderr
    assert f"tensorboard --logdir {tmp_path / 'tensorboard'}" in result.stdout
    (written,) = (tmp_path / "tensorboard").iterdir()
    assert b"train/loss" in written.read_bytes() and b"val/abs_rel" in written.read_bytes()


def test_a_loss_that_is_nan_stops_before_anything_is_saved(config: Path, cli, tmp_path) -> None:
    options = ["--device", "cpu", "--cfg-options", "optim_wrapper.optimizer.lr=1e30"]
    result = cli("train", config, "--out", tmp_path, *options)
    assert result.returncode == 2
    assert "is not finite" in result.stderr and "room_0_" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*.pth"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cfg-options", "model.backbone.keep_rat=0.5"], "keep_rat"),
        (["--cfg-options", "model.backbone.keep_rate=0"], "keep_rate"),
        (["--cfg-options", "maxepochs=3"], "did you mean 'max_epochs'"),
        (["--device", "cuda:77"], "device 'cuda:77'"),
        (["--launcher", "pytorch"], "not started by torchrun"),
        (["--out", "/proc/nothing"], "/proc/nothing"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(config: Path, cli, tmp_path, arguments, message) -> None:
    work_dir = [] if "--out" in arguments else ["--out", tmp_path / "out"]
    result = cli("train", config, *work_dir, *arguments)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("error: ")
