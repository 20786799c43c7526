"""tools/analysis_tools/depth_tradeoff.py, from an empty folder to a table: two iterations on generated rooms."""

import json

import pytest

from helpers import load_tool

TOOL = load_tool("analysis_tools/depth_tradeoff").main


@pytest.mark.slow
def test_the_queue_is_resumed_timed_and_reported(call_tool, tmp_path, monkeypatch):
    out = tmp_path / "study"
    command = [TOOL, "--out", out, "--quick", "--seeds", "1", "--device", "cpu", "--bfloat16", "off"]
    first = call_tool(*command, "--runs", "2")
    assert first.returncode == 0, first.stderr
    assert "2 of 3 runs are finished" in first.stdout
    finished = out / "runs" / "dense" / "seed_0_fold_0"
    assert {path.name for path in finished.iterdir()} >= {"result.json", "weights.pth"}
    assert not [*finished.glob("epoch_*.pth"), *finished.glob("iter_*.pth")]
    stamp = (finished / "result.json").stat().st_mtime_ns

    second = call_tool(*command, "--rounds", "1", "--runtimes", "torch", "training")
    assert second.returncode == 0, second.stderr
    assert "3 of 3 runs are finished" in second.stdout
    assert (finished / "result.json").stat().st_mtime_ns == stamp
    rows = json.loads((out / "full.json").read_text())
    assert [(row["name"], row["runs"]) for row in rows] == [("dense", 1), ("smaller", 1), ("random", 1)]
    assert rows[1]["macs"] < rows[2]["macs"] < rows[0]["macs"]
    assert rows[0]["metrics"]["abs_rel"][0] > 0 and set(rows[0]["times"]) == {"torch", "training"}
    assert (out / "full.md").read_text().strip() in second.stdout
    assert (out / "full_torch.png").stat().st_size > 1000

    other = call_tool(*command, "--cfg-options", "optim_wrapper.optimizer.lr=0.1")
    assert other.returncode == 2 and "is of other settings" in other.stderr

    def fail(*arguments, **options):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("depthkit.analysis.study.runs.train", fail)
    broken = call_tool(*command, "--out", tmp_path / "other")
    assert broken.returncode == 1 and broken.stderr.count("out of memory") == 3
    assert "0 of 3 runs are finished" in broken.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runtimes", "tflite"], "--runtimes tflite: expected some of torch"),
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
