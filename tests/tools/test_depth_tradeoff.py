"""tools/analysis_tools/depth_tradeoff.py, from an empty folder to a table: two iterations on generated rooms."""

import json
import os
import signal

import pytest

from helpers import load_tool

TOOL = load_tool("analysis_tools/depth_tradeoff").main
QUICK = ["--quick", "--seeds", "1", "--only", "smaller", "--device", "cpu", "--bfloat16", "off"]


@pytest.fixture
def study(tmp_path) -> list:
    return [TOOL, "--out", tmp_path / "study", *QUICK]


@pytest.mark.slow
def test_the_queue_is_resumed_timed_and_reported(call_tool, study, tmp_path):
    out = tmp_path / "study"
    first = call_tool(*study, "--runs", "1")
    assert first.returncode == 0, first.stderr
    assert "1 of 2 runs are finished" in first.stdout
    finished = out / "runs" / "dense" / "seed_0_fold_0"
    assert {path.name for path in finished.iterdir()} >= {"result.json", "weights.pth"}
    assert not [*finished.glob("epoch_*.pth"), *finished.glob("iter_*.pth")]
    stamp = (finished / "result.json").stat().st_mtime_ns

    second = call_tool(*study, "--rounds", "1", "--runtimes", "torch", "training")
    assert second.returncode == 0, second.stderr
    assert "2 of 2 runs are finished" in second.stdout
    assert (finished / "result.json").stat().st_mtime_ns == stamp
    report = json.loads((out / "full.json").read_text())
    rows = report["rows"]
    assert (
        {"command", "date", "machine"}
        <= report.keys()
        <= json.loads((out / "times.json").read_text()).keys() | {"rows"}
    )
    assert [(row["name"], row["runs"]) for row in rows] == [("dense", 1), ("smaller", 1)]
    assert rows[1]["macs"] < rows[0]["macs"]
    assert rows[0]["metrics"]["abs_rel"][0] > 0 and set(rows[0]["times"]) == {"torch", "training"}
    assert (out / "full.md").read_text().strip() in second.stdout
    assert (out / "full_torch.png").stat().st_size > 1000

    other = call_tool(*study, "--cfg-options", "optim_wrapper.optimizer.lr=0.1")
    assert other.returncode == 2 and "is of other settings: optim_wrapper.optimizer.lr was None" in other.stderr
    (out / "times.json").write_text("{}")
    damaged = call_tool(*study, "--runs", "0")
    assert damaged.returncode == 2 and "times.json: has no macs; remove it, and time again" in damaged.stderr


def test_runs_that_fail_are_counted_and_a_signal_ends_the_command(call_tool, study, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("depthkit.analysis.study.runs.train", fail)
    broken = call_tool(*study)
    assert broken.returncode == 1 and broken.stderr.count("out of memory") == 2
    assert "0 of 2 runs are finished" in broken.stdout

    monkeypatch.setattr("depthkit.analysis.study.runs.train", lambda *a, **b: os.kill(os.getpid(), signal.SIGTERM))
    stopped = call_tool(*study)
    assert stopped.returncode == 128 + signal.SIGTERM and stopped.stderr.endswith("stopped by SIGTERM\n")
    assert "error" not in stopped.stderr and "runs are finished" not in stopped.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runtimes", "tflite", "--rounds", "1"], "runtime='tflite': expected one of torch"),
        (["--runtimes", "onnx:int8", "--rounds", "1"], "--runtimes onnx:int8: "),
        (["--runtimes", "torch"], "--runtimes: names what --rounds times"),
        (["--quick", "--variants", "mine.py"], "--variants: --quick has its own"),
        (["--quick", "--lists", "l.txt"], "--lists: --quick has its own"),
        (["--folds", "7"], "--folds: divides --lists"),
        (["--gap", "3"], "--gap: divides --lists"),
        (["--protocols", "kitti"], "protocol 'kitti': unknown"),
        (["--only", "none"], "--only none: unknown; expected some of dense"),
        (["--variants", "none.py"], "none.py: no such file"),
        (["--cfg-options", "max_epoch=3"], "max_epoch"),
    ],
)
def test_bad_arguments(call_tool, tmp_path, arguments, message):
    result = call_tool(TOOL, "--out", tmp_path / "study", "--device", "cpu", "--bfloat16", "off", *arguments)
    assert result.returncode == 2 and message in result.stderr
    assert not (tmp_path / "study" / "runs").exists()
