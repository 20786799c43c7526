"""tools/analysis_tools/calibrate_layers.py on a small untrained model."""

import json

import numpy as np
import pytest
from PIL import Image

from helpers import load_tool

TOOL = load_tool("analysis_tools/calibrate_layers").main


@pytest.mark.slow
def test_layers_and_rates_as_options_of_a_config(call_tool, tiny_zoo, tmp_path):
    weights = tiny_zoo("depth-anything-v2-metric-indoor-small")
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{i}.png")
    result = call_tool(
        TOOL, "--model", "depth-anything-v2-metric-indoor-small", "--weights", weights, "--images", tmp_path,
        "--count", "2", "--budget", "0.95", "--keep-rates", "0.5", "0.25", "--device", "cpu",
        "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["images"] == 2 and content["selection"] == "shared"
    assert [(one["layer"], one["keep_rate"]) for one in content["measured"]] == [
        (i, rate) for i in (1, 2, 3) for rate in (0.5, 0.25)
    ]
    layers = ",".join(map(str, content["selective_layers"]))
    assert f"model.backbone.selective_layers=[{layers}] model.backbone.keep_rate=[" in result.stdout
