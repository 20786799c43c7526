"""Evaluation by its function, with a config and with the one that the checkpoint carries."""

import json
import os
import re
from pathlib import Path

import pytest
import torch

from depthkit import DepthPredictor
from depthkit.apis.evaluate import evaluate
from depthkit.errors import InputError
from depthkit.evaluation import METRIC_NAMES
from depthkit.models.weights import read_metadata
from depthkit.runtimes.names import RuntimeRequest
from depthkit.utils.config import load_config


def change(best: Path, to: Path, **parts: object) -> Path:
    content = torch.load(best)
    content["depthkit"]["config"].update(parts)
    torch.save(content, to)
    return to


def test_the_checkpoints_own_config_gives_what_its_training_measured(config_path, best, tmp_path) -> None:
    result = evaluate(config=None, checkpoint=best, device="cpu")
    assert tuple(result.metrics) == METRIC_NAMES
    measured = read_metadata(best).metrics
    assert result.metrics == pytest.approx({name: measured[name] for name in METRIC_NAMES}, rel=1e-6)
    assert (result.config, result.checkpoint) == ("tiny_rooms.py", str(best))
    result.write_json(tmp_path / "r.json")
    assert {"protocol", "flip", "images", "metrics"} <= json.loads((tmp_path / "r.json").read_text()).keys()
    with_config = evaluate(load_config(config_path), best, device="cpu")
    assert with_config.metrics == result.metrics


def test_processes_do_not_choose_a_runtime_each_by_itself(config_path, best) -> None:
    with pytest.raises(InputError, match="runtime auto: each process would choose by itself; name a runtime"):
        evaluate(load_config(config_path), best, launcher="pytorch", device="cpu", runtime=RuntimeRequest("auto"))


@pytest.mark.slow
def test_a_config_in_a_file_runs_no_code(best: Path, tmp_path: Path) -> None:
    loader = torch.load(best)["depthkit"]["config"]["test_dataloader"]
    command = {"type": "os.mkdir", "path": str(tmp_path / "executed")}
    unpickling = {"type": "mmengine.BaseDataset", "ann_file": str(tmp_path / "annotations.pkl")}
    crafted = [
        ({"test_dataloader": {**loader, "dataset": command}}, "os.mkdir"),
        ({"test_dataloader": {**loader, "dataset": unpickling}}, "BaseDataset"),
        ({"test_dataloader": {**loader, "worker_init_fn": command}}, None),
        ({"test_dataloader": {**loader, "sampler": command}}, "os.mkdir"),
        ({"test_evaluator": command}, "os.mkdir"),
        ({"test_evaluator": [command]}, "test_evaluator"),
        ({"test_dataloader": 3}, "test_dataloader"),
    ]
    for parts, message in crafted:
        if message:
            with pytest.raises(InputError, match=message):
                evaluate(None, change(best, tmp_path / "crafted.pth", **parts), device="cpu")
    # What is not needed is not looked at.
    ignored = {"custom_hooks": [command], "default_hooks": {"x": command}, "visualizer": command, "test_cfg": command}
    evaluate(None, change(best, tmp_path / "crafted.pth", **ignored), device="cpu")
    assert os.listdir(tmp_path) == ["crafted.pth"]


def test_a_config_without_a_test_set(config_path: Path, best: Path) -> None:
    config = load_config(config_path)
    config.pop("test_dataloader")
    with pytest.raises(InputError, match="there is nothing to evaluate on"):
        evaluate(config, best, device="cpu")
    with pytest.raises(InputError, match="gone.pth: no such checkpoint file"):
        evaluate(load_config(config_path), "gone.pth", device="cpu")


def test_a_relative_model_has_no_metrics_in_metres(config_path: Path, best: Path) -> None:
    config = load_config(config_path)
    config.model.output = "disparity"
    with pytest.raises(InputError, match="gives disparity, which metrics in metres cannot measure"):
        evaluate(config, best, device="cpu")


def test_metrics_of_a_lower_precision(config_path: Path, best: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("depthkit.runtimes.names._cpu_flags", lambda: {"avx512_bf16"})
    exact = evaluate(None, best, device="cpu")
    result = evaluate(None, best, device="cpu", runtime=RuntimeRequest(precision="bfloat16", max_error=10.0))
    assert re.search(r"runtime: torch bfloat16, mean error .* \(at most 1000.00%\), at ", capsys.readouterr().err)
    assert (result.runtime, result.precision) == ("torch", "bfloat16") and "torch bfloat16" in result.table()
    assert result.metrics != exact.metrics
    assert result.metrics == pytest.approx(exact.metrics, rel=0.1)
    with pytest.raises(InputError, match=r"precision bfloat16: its mean error .* 0.00% is the most"):
        evaluate(None, best, device="cpu", runtime=RuntimeRequest(precision="bfloat16", max_error=1e-9))
    config = load_config(config_path)
    config.pop("test_pipeline")
    with pytest.raises(InputError, match="tiny_rooms.py: has no test_pipeline"):
        evaluate(config, best, device="cpu", runtime=RuntimeRequest(precision="bfloat16"))


def test_the_graph_is_the_one_that_predicting_uses(best: Path, monkeypatch) -> None:
    keys = []

    def choose(networks, *_):
        keys.append(networks.key)
        return "onnx", networks.make("torch", "float32")

    monkeypatch.setattr("depthkit.runtimes.names.find_spec", lambda name: name)
    monkeypatch.setattr("depthkit.runtimes.choice.choose_network", choose)
    result = evaluate(None, best, flip=True, runtime=RuntimeRequest("onnx"))
    assert (result.runtime, result.device) == ("onnx", "cpu")
    assert result.metrics == evaluate(None, best, flip=True, device="cpu").metrics
    DepthPredictor(best, runtime="onnx")
    assert keys[0] == keys[1]
