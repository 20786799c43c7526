"""`depthkit export`."""

import json

import pytest
import torch
from mmengine.registry import init_default_scope

from depthkit.registry import MODELS
from depthkit.utils.config import load_config


@pytest.mark.slow
def test_a_checkpoint_becomes_a_file(cli, demo_config, tmp_path):
    options = {"model.backbone.depth": 2, "model.backbone.out_indices": (0, 1), "model.backbone.embed_dim": 48}
    options |= {"model.decode_head.in_channels": (48, 48), "model.decode_head.scales": (2, 1)}
    options |= {"model.backbone.keep_rate": 1, "model.test_cfg.flip": True}  # dense: soon traced
    options |= {"model.canonical_focal": 123.5}
    init_default_scope("depthkit")
    model = MODELS.build(load_config(demo_config, options).model)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    out = tmp_path / "depth.pt2"
    done = cli(
        "export", tmp_path / "w.pth", "--config", demo_config, "--out", out, "--json", tmp_path / "agreement.json",
        "--cfg-options", *(f"{key}={str(value).replace(' ', '')}" for key, value in options.items()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "size_divisor: 8\nsmallest_side: 80\n" in done.stdout and "recommended_size: " in done.stdout
    assert "canonical_focal: 123.5\n" in done.stdout and "metres: depth * fx / canonical_focal, where" in done.stdout
    assert "not part of the file: test_cfg" in done.stdout and "2 x 224 x 304 px, depth: " in done.stdout
    assert torch.export.load(out).module()(torch.rand(1, 3, 136, 184)).shape == (1, 1, 136, 184)
    agreement = json.loads((tmp_path / "agreement.json").read_text())
    assert (agreement["format"], agreement["file"]) == ("torch", str(out))
    assert agreement["metadata"]["canonical_focal"] == "123.5"
    assert [one["size"] for one in agreement["agreement"]] == [[1, 128, 128], [2, 224, 304], [1, 480, 640]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["w.pth", "--config", "none.py", "--out", "m.pt2"], "none.py: there is no such config"),
        (["CONFIG", "none.pth", "--format", "torch", "--out", "m.pt2"], "none.pth: no such checkpoint file"),
        (["none.pth", "--out", "m.onnx"], "none.pth: no such checkpoint file"),
        (["w.pth", "--format", "tflite", "--out", "m.tflite"], "'tflite' is not one of 'torch', 'onnx'"),
        (["w.pth", "--out", "m.onnx", "--precision", "int8"], "precision int8: needs some of your images"),
        (["w.pth", "--out", "m.onnx", "--calibration", "none"], "calibration: is for precision int8, not for float32"),
        (["w.pth", "--out", "m.onnx", "--precision", "int8", "--calibration", "none"], "there is no folder 'none'"),
        (["w.pth", "--out", "m.onnx", "--size", "480"], "'480': expected HEIGHTxWIDTH in pixels, such as 480x640"),
        (["w.pth", "--model", "rooms-deit-tiny", "--out", "m.onnx"], "w.pth: beside --model a file of weights"),
        (["--model", "none", "--out", "m.onnx"], "none"),
        (["--model", "rooms-deit-tiny", "--config", "CONFIG", "--out", "m.onnx"], "a published model has its own"),
        (["w.pth", "--out", "m.tflite"], "m.tflite: expected a name that ends in .pt2 or .onnx"),
    ],
)
def test_bad_arguments(cli, demo_config, arguments, message):
    done = cli("export", *(demo_config if argument == "CONFIG" else argument for argument in arguments))
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
