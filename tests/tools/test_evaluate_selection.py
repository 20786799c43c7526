"""tools/analysis_tools/evaluate_selection.py, on a few real images with the real weights."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import REPOSITORY, load_tool, run_python

TOOL = load_tool("analysis_tools/evaluate_selection").main


@pytest.fixture
def images(shared_data: Path, tmp_path: Path) -> Path:
    """Links to the images of every 25th class: the labels must not depend on which are there."""
    folder = tmp_path / "images"
    for wnid in sorted((shared_data / "imagenet" / "val").iterdir())[::25]:
        (folder / wnid.name).mkdir(parents=True)
        for file in wnid.iterdir():
            os.symlink(file, folder / wnid.name / file.name)
    return folder


@pytest.mark.slow
def test_a_table_and_json(call_tool, images, deit_tiny_weights, tmp_path):
    result = call_tool(
        TOOL, images, "--weights", deit_tiny_weights, "--keep-rate", "1", "0.5",
        "--score", "selector", "random", "--json", tmp_path / "r.json", "--device", "cpu",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "30 images, split all; resize to 256 px" in result.stdout
    content = json.loads((tmp_path / "r.json").read_text())
    rows = {(r["selection"], r["keep_rate"], r["score"]): r for r in content["results"]}
    assert len(rows) == len(content["results"]) == 1 + 2 * 2 * 2
    dense = rows["dense", 1.0, "-"]
    assert dense["top1"] > 60 and dense["agreement"] == 100
    # DeiT-Tiny: 1.25 G multiply-accumulates and 0.1 G for attention's own products.
    assert 1.2e9 < dense["macs"] < 1.4e9
    for selection in ("shared", "per_head"):
        assert rows[selection, 1.0, "selector"]["agreement"] == 100
        half = rows[selection, 0.5, "selector"]
        assert half["macs"] < dense["macs"]
        assert 30 < half["top1"] <= 100
    assert result.stdout.count("\n") >= 1 + 1 + len(rows)


@pytest.mark.slow
def test_evit_beside_it_at_a_higher_resolution(call_tool, images, deit_tiny_weights, tmp_path):
    result = call_tool(
        TOOL, images, "--weights", deit_tiny_weights, "--keep-rate", "1", "0.7",
        "--selection", "evit", "evit_unfused", "--split", "val", "--hold-out-every", "5", "--img-size", "288",
        "--json", tmp_path / "r.json", "--device", "cpu",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "r.json").read_text())
    assert "centre crop 288 px" in content["transform"] and content["skipped"] == 0
    rows = {(r["selection"], r["keep_rate"]): r for r in content["results"]}
    assert rows["evit", 1.0]["agreement"] == rows["evit_unfused", 1.0]["agreement"] == 100
    assert rows["evit_unfused", 0.7]["macs"] < rows["evit", 0.7]["macs"] < 0.75 * rows["dense", 1.0]["macs"]
    assert {r["score"] for r in content["results"][1:]} == {"class_token"}


@pytest.mark.slow
def test_the_held_out_folders_and_a_rate_for_each_pair(call_tool, images, deit_tiny_weights, tmp_path):
    result = call_tool(
        TOOL, images, "--weights", deit_tiny_weights, "--split", "val",
        "--hold-out-every", "10", "--keep-rate", "1,1,1,.5,.5,.5", "--selection", "shared",
        "--json", tmp_path / "r.json", "--device", "cpu",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "r.json").read_text())
    assert (content["images"], content["split"]) == (3, "val")
    assert content["results"][1]["keep_rate"] == [1, 1, 1, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weights", "none.pth"], "none.pth: no such checkpoint file"),
        (["--weights", "none.pth", "--split", "val"], "hold_out_every=None"),
        (
            ["--weights", "none.pth", "--batch-size", "0"],
            "Invalid value for '--batch-size': 0 is not in the range x>=1.",
        ),
        (["--weights", "none.pth", "--keep-rate", "half"], "'half': expected a number, or numbers with commas between"),
        (["--weights", "none.pth", "--score", "magic"], "'magic' is not one of 'selector'"),
    ],
)
def test_bad_arguments(call_tool, tmp_path, arguments, message):
    (tmp_path / "n01440764").mkdir()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "n01440764" / "a.png")
    result = call_tool(TOOL, tmp_path, *arguments)
    assert result.returncode == 2
    assert message in result.stderr


def test_keep_rates_out_of_range_and_foreign_folders(call_tool, images, deit_tiny_weights, tmp_path):
    result = call_tool(TOOL, images, "--weights", deit_tiny_weights, "--keep-rate", "1.5")
    assert result.returncode == 2 and "'1.5': expected a number, or numbers above 0 and at most 1" in result.stderr
    (tmp_path / "animals" / "cats").mkdir(parents=True)
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "animals" / "cats" / "a.png")
    result = call_tool(TOOL, tmp_path / "animals", "--weights", deit_tiny_weights)
    assert result.returncode == 2 and "not a class of ImageNet-1k" in result.stderr


def test_help_answers_at_once():
    start = os.times()
    result = run_python(REPOSITORY / "tools" / "analysis_tools" / "evaluate_selection.py", "--help")
    end = os.times()
    assert result.returncode == 0 and "--hold-out-every" in result.stdout
    assert end.children_user + end.children_system - start.children_user - start.children_system < 2
