"""tools/export.py as a user runs it."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from depthkit.registry import MODELS
from depthkit.utils.config import load_config

CONFIG = Path(__file__).parents[2] / "configs" / "demo_rooms.py"


def test_a_checkpoint_becomes_a_file(call_tool, tmp_path):
    options = {"model.backbone.depth": 2, "model.backbone.out_indices": (0, 1), "model.backbone.embed_dim": 48}
    options |= {"model.decode_head.in_channels": (48, 48), "model.decode_head.scales": (2, 1)}
    options |= {"model.backbone.keep_rate": 1, "model.test_cfg.flip": True}  # dense: soon traced
    init_default_scope("depthkit")
    model = MODELS.build(load_config(CONFIG, options).model)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    out = tmp_path / "depth.pt2"
    done = call_tool(
        "export", CONFIG, tmp_path / "w.pth", "--format", "torch", "--out", out,
        "--cfg-options", *(f"{key}={str(value).replace(' ', '')}" for key, value in options.items()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "H and W: multiples of 8, 128 px or more" in done.stdout
    assert "not part of the file: test_cfg" in done.stdout and "2 x 224 x 304 px: " in done.stdout
    assert torch.export.load(out).module()(torch.rand(1, 3, 136, 184)).shape == (1, 1, 136, 184)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.py", "w.pth", "--format", "torch", "--out", "m.pt2"], "none.py: there is no such config"),
        ([CONFIG, "none.pth", "--format", "torch", "--out", "m.pt2"], "none.pth: no such checkpoint file"),
        ([CONFIG, "w.pth", "--format", "tflite", "--out", "m.tflite"], "invalid choice: 'tflite'"),
    ],
)
def test_bad_arguments(call_tool, arguments, message):
    done = call_tool("export", *arguments)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
