"""tools/analysis_tools/zero_shot.py as a command."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers import load_tool

TOOL = load_tool("analysis_tools/zero_shot").main


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two scenes whose folders have the same name, in the layout of BTS; each is a wall, at 2 m and at 3 m."""
    folder, lines = tmp_path / "pairs", []
    for scene, depth in (("kitchen", 2000), ("office", 3000)):
        (folder / scene / "rgb").mkdir(parents=True)
        rgb = np.random.default_rng(depth).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(folder / scene / "rgb" / "0.png")
        cv2.imwrite(str(folder / scene / "0.png"), np.full((48, 64), depth, np.uint16))
        lines.append(f"{scene}/rgb/0.png {scene}/0.png 60")
    for split in ("train", "test"):
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_scenes_and_the_name_of_the_model(call_tool, pairs, tmp_path):
    args = ("--model", "rooms-deit-tiny", "--constant", 2, "--device", "cpu", "--json", tmp_path / "r.json")
    done = call_tool(TOOL, pairs, *args)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("rooms-deit-tiny; constant: 2 m; protocol ")
    scenes = json.loads((tmp_path / "r.json").read_text())
    assert [one["scene"] for one in scenes] == ["kitchen/rgb", "office/rgb", "mean of the scenes"]
    assert [one["constant"] for one in scenes] == pytest.approx([0, 1 / 3, 1 / 6])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--model", "rooms-deit-tiny", "--constant", "nan"), "--constant: is not a number; expected metres."),
        (("--model", "depth-anything-v2-small"), "depth-anything-v2-small: gives no metres; name a metric model"),
        ((), "Missing option '--model' or '--weights'"),
    ],
)
def test_what_is_refused_before_any_work(call_tool, tmp_path, args, message):
    done = call_tool(TOOL, tmp_path / "none", *args)
    assert done.returncode == 2 and message in done.stderr
