"""`depthkit test`, on a model that was not trained."""

import json
from pathlib import Path

import pytest
import torch

from depthkit.evaluation import METRIC_NAMES, get_protocol
from depthkit.evaluation.boundaries import BOUNDARY_NAMES
from depthkit.utils.io import read_depth, read_rgb
from helpers import write_crafted_checkpoint

FEW = ["--device", "cpu", "--cfg-options", "test_dataloader.dataset.length=3", "workers=0"]


def test_table_json_and_predictions(cli, demo_config: Path, demo_checkpoint: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    out, images = tmp_path / "results.json", tmp_path / "images"
    folders = ("--save-dir", images, "--comparison-dir", tmp_path / "drawn", "--range", 0, 8)
    result = cli("test", demo_checkpoint, "--config", demo_config, "--json", out, *folders, *FEW)
    assert result.returncode == 0, result.stderr
    content = json.loads(out.read_text())
    assert content["protocol"] == "full"
    assert content["protocol_description"] == get_protocol("full").description
    assert (content["images"], content["skipped"], content["processes"]) == (3, 0, 1)
    assert tuple(content["metrics"]) == METRIC_NAMES
    assert content["images_per_second"] > 0
    assert get_protocol("full").description in result.stdout
    assert f"{content['metrics']['abs_rel']:.4f}" in result.stdout
    saved = sorted(images.glob("*.png"))
    assert len(saved) == 3
    assert read_depth(saved[0]).shape == (96, 128)
    # Nothing else: no work folder, no log, no temporary file.
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "images", "drawn"}
    drawn = sorted((tmp_path / "drawn").glob("*.png"))
    stems = [path.name.removesuffix("_depth.png") for path in saved]
    assert [path.name for path in drawn] == [f"{stem}_comparison.png" for stem in stems]
    height, width, _ = read_rgb(drawn[0]).shape
    assert width > 4 * height, "image, ground truth, prediction and error are in a row"


def test_protocol_flip_and_boundary_are_options_and_are_printed(
    cli, demo_config: Path, demo_checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results.json"
    given = ["--config", demo_config, "--json", out, "--protocol", "eigen", "--flip", "--boundary"]
    result = cli("test", demo_checkpoint, *given, *FEW)
    assert result.returncode == 0, result.stderr
    content = json.loads(out.read_text())
    assert (content["protocol"], content["flip"]) == ("eigen", True)
    assert tuple(content["metrics"]) == (*METRIC_NAMES, *BOUNDARY_NAMES)
    assert "averaged with the mirrored image" in result.stdout


def test_a_classifier_has_no_runtime(cli, demo_config, demo_checkpoint) -> None:
    of_classifier = (*FEW, "test_evaluator.type=Accuracy")
    asked = ("--runtime", "compile")
    result = cli("test", demo_checkpoint, "--config", demo_config, *asked, *of_classifier)
    assert result.returncode == 2
    assert "is not of a depth model; leave out protocol, flip, boundary, runtime" in result.stderr


def of_another_model(path: Path) -> None:
    torch.save({"state_dict": {"backbone.cls_token": torch.zeros(1, 1, 7)}}, path)


@pytest.mark.parametrize("write", [write_crafted_checkpoint, of_another_model], ids=lambda f: f.__name__)
def test_a_file_that_is_not_a_checkpoint(cli, demo_config: Path, tmp_path: Path, write) -> None:
    path = tmp_path / "weights.pth"
    write(path)
    result = cli("test", path, "--config", demo_config, "--json", tmp_path / "results.json", *FEW)
    assert result.returncode == 2, result.stderr
    assert str(path) in result.stderr and "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == [path]  # no results, and nothing that the file's code would have made


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.pth"], "gone.pth: no such checkpoint file"),
        (["WEIGHTS", "--protocol", "eigenn"], "protocol 'eigenn': unknown"),
        (["WEIGHTS", "--json", "/proc/nothing/r.json"], "/proc/nothing"),
        (["WEIGHTS", "--save-dir", "/proc/nothing"], "/proc/nothing"),
        (["WEIGHTS", "--comparison-dir", "/proc/nothing"], "/proc/nothing"),
        (["WEIGHTS", "--comparison-dir", "drawn", "--range", "5", "1"], "range 5 1: expected two depths in metres"),
        (["WEIGHTS", "--runtime", "onnx", "--precision", "bfloat16"], "runtime onnx: does not compute in bfloat16"),
        (["WEIGHTS", "--range", "0", "5"], "--range is for the drawings of --comparison-dir"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    cli, demo_config: Path, demo_checkpoint: Path, arguments, message
) -> None:
    arguments = [demo_checkpoint if a == "WEIGHTS" else a for a in arguments]
    result = cli("test", *arguments, "--config", demo_config, *FEW)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert result.stderr.count("\n") == 1
