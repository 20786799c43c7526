"""tools/analysis_tools/calibrate_layers.py on a small untrained model."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from depthkit.registry import MODELS, depthkit_scope
from depthkit.utils.config import load_config
from helpers import TINY_ROOMS, load_tool

TOOL = load_tool("analysis_tools/calibrate_layers").main


@pytest.fixture
def command(tmp_path) -> list:
    """The tool on a dense model of four layers and three images."""
    config = tmp_path / "dense.py"
    dense = TINY_ROOMS.replace('type="ToSA", keep_rate=0.5, selection="shared"', 'type="DeiT"')
    config.write_text(dense.replace("pipeline = [", 'test_pipeline = [dict(type="PackDepthInputs")]\npipeline = ['))
    torch.manual_seed(0)
    with depthkit_scope():
        model = MODELS.build(load_config(config).model)
    for block in model.backbone.blocks:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.3)
    torch.save({"state_dict": model.state_dict(), "meta": {}}, tmp_path / "dense.pth")
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{i}.png")
    return [TOOL, "--weights", tmp_path / "dense.pth", "--config", config, "--images", tmp_path, "--device", "cpu"]


def test_layers_and_rates_as_options_of_a_config(call_tool, command, tmp_path):
    given = ["--count", "2", "--budget", "0.95", "--keep-rates", "0.5", "0.25", "--json", tmp_path / "r.json"]
    result = call_tool(*command, *given)
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["images"] == 2 and content["selection"] == "shared"
    assert [(one["layer"], one["keep_rate"]) for one in content["measured"]] == [
        (i, rate) for i in (1, 2, 3) for rate in (0.5, 0.25)
    ]
    layers = ",".join(map(str, content["selective_layers"]))
    assert layers and f"model.backbone.selective_layers=[{layers}] model.backbone.keep_rate=[" in result.stdout
    assert "model.backbone.selection=shared" in result.stdout and "model.backbone.importance=attention" in result.stdout
    assert content["importance"] == "attention"


def test_even_selection_is_measured_as_it_selects(call_tool, command, tmp_path):
    given = ["--count", "1", "--budget", "0.95", "--keep-rates", "0.5", "--json", tmp_path / "r.json"]
    differences = {}
    for form in ("shared", "even"):
        result = call_tool(*command, *given, "--selection", form)
        assert result.returncode == 0
        content = json.loads((tmp_path / "r.json").read_text())
        assert content["selection"] == form
        differences[form] = [one["difference"] for one in content["measured"]]
    assert differences["even"] != differences["shared"]
    for option in ("selection=shared", "importance=even", "skipped=similar"):
        assert f"model.backbone.{option}" in result.stdout


def test_a_budget_out_of_reach_is_refused_before_the_images_are_measured(call_tool, command, monkeypatch):
    measured = []
    monkeypatch.setattr("depthkit.analysis.layer_rates.metric_difference", lambda *depths: measured.append(1))
    assert "leave 0." in call_tool(*command, "--count", "1", "--budget", "0.1").stderr and not measured


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "0.1"], "budget=0.1: these layers and rates leave 0."),
        (["--budget", "nan"], "nan is not in the range"),
        (["--keep-rates", "1"], "1.0 is not in the range"),
        (["--importance", "update", "--selection", "per_head"], "importance='update'"),
        (["--importance", "update", "--selection", "even"], "selection='even' says it already"),
        (["--model", "dpt-large"], "--config: a published model has its own"),
    ],
)
def test_bad_arguments(call_tool, command, tmp_path, arguments, message):
    result = call_tool(*command, "--count", "1", "--json", tmp_path / "r.json", *arguments)
    assert result.returncode == 2 and message in result.stderr and result.stderr.count("\n") < 3
    assert not (tmp_path / "r.json").exists()
