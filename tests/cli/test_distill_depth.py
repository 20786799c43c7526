"""`depthkit train distill_depth_tosa_tiny` with a tiny teacher of random weights, and what becomes of the student."""

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from depthkit.apis.predictor import DepthPredictor
from depthkit.models.weights import read_metadata
from depthkit.utils.io import write_rgb
from depthkit.zoo.loading import _print_once
from helpers import CONFIGS

CONFIG = CONFIGS / "distill_depth_tosa_tiny.py"
RELATIVE, METRIC = "depth-anything-v2-base", "depth-anything-v2-metric-indoor-small"
BACKBONE = dict(embed_dim=48, depth=4, num_heads=3, out_indices="(0,1,2,3)")
SMALL = [*(f"model.backbone.{name}={value}" for name, value in BACKBONE.items()), "pretrained=None",
         "model.decode_head.in_channels=(48,48,48,48)", "model.decode_head.channels=8", "model.teacher.input_size=42",
         "img_size=(48,64)", "batch_size=1", "max_epochs=2", "hold_out_every=4", "workers=0"]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_said_yet() -> None:
    _print_once.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight generated images: six to learn from, two held out."""
    (tmp_path / "images").mkdir()
    for i in range(8):
        blocks = np.random.default_rng(i).integers(0, 256, (8, 10, 3), np.uint8)
        write_rgb(tmp_path / "images" / f"{i}.png", blocks.repeat(8, 0).repeat(8, 1))
    return tmp_path / "images"


@pytest.fixture
def train(cli, folder: Path, tiny_zoo, tmp_path: Path) -> Callable:
    def run(name: str, *options: str, out: str = "out", resume: bool = False):
        given = [*SMALL, f"data_root={folder}", f"teacher={name}", f"teacher_weights={tiny_zoo(name)}", *options]
        flags = ["--resume"] if resume else []
        return cli("train", CONFIG, "--out", tmp_path / out, *flags, "--device", "cpu", "--cfg-options", *given)

    return run


def scalars(folder: Path) -> list[dict]:
    return [json.loads(line) for line in next(folder.glob("*/vis_data/scalars.json")).read_text().splitlines()]


@pytest.mark.slow
def test_a_student_of_a_relative_teacher_is_a_model_for_all_commands(train, cli, folder, tmp_path):
    done = train(RELATIVE)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert said.count(f"distilled from {RELATIVE}, licence CC-BY-NC-4.0") == 1
    lines = scalars(tmp_path / "out")
    assert {"loss_ssi", "loss_gradient", "loss_selector"} <= next(x for x in lines if "loss" in x).keys()
    assert [line["images"] for line in lines if "difference" in line] == [2, 2]
    best = next((tmp_path / "out").glob("best_difference_*.pth"))
    state = torch.load(best, weights_only=True)["state_dict"]
    assert {name.partition(".")[0] for name in state} == {"backbone", "decode_head"}
    info = read_metadata(best)
    assert (info.kind, info.config["model"]["type"]) == ("relative", "DepthEstimator")
    assert "teacher" not in info.config["model"] and info.metrics.keys() == {"difference"}

    done = cli("predict", folder / "0.png", "--weights", best, "--device", "cpu", "--out", tmp_path / "predicted",
               "--json", tmp_path / "done.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "a student of depth-anything-v2-base: the licence of these weights is CC-BY-NC-4.0" in done.stderr
    (image,) = json.loads((tmp_path / "done.json").read_text())["images"]
    assert image["kind"] == "relative"
    assert image["metadata"]["distilled_from"] == f"{RELATIVE}, licence CC-BY-NC-4.0"
    result = np.load(tmp_path / "predicted" / "0_disparity.npy")
    assert result.shape == (64, 80) and np.isfinite(result).all() and result.min() >= 0

    done = train(METRIC, f"load_from={best}", "max_epochs=1", out="mixed")
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("weights of several licences: a student of depth-anything-v2-metric-") == 1
    mixed = read_metadata(tmp_path / "mixed" / "epoch_1.pth").config["published"]
    assert mixed["licence"] == "Apache-2.0 AND CC-BY-NC-4.0"
    assert mixed["started_from"] == "a student of depth-anything-v2-base, licence CC-BY-NC-4.0"

    exported = tmp_path / "student.safetensors"
    assert cli("export-weights", best, "--out", exported).returncode == 0
    np.testing.assert_array_equal(DepthPredictor(exported, device="cpu")(folder / "0.png").values, result)


@pytest.mark.slow
def test_metres_from_a_metric_teacher_and_a_student_that_teaches_in_turn(train, cli, folder, tmp_path):
    done = train(METRIC, "metric=True", "max_depth=20.0", "max_epochs=1")
    assert done.returncode == 0, done.stderr
    assert {"loss_silog", "loss_gradient"} <= next(x for x in scalars(tmp_path / "out") if "loss" in x).keys()
    best = next((tmp_path / "out").glob("best_difference_*.pth"))
    first = DepthPredictor(best, device="cpu")(folder / "0.png")
    assert first.kind == "metric" and first.depth_range == (0, 20)
    twice = DepthPredictor(best, device="cpu")(folder / "0.png", focal=2 * first.focal_length)
    np.testing.assert_allclose(twice.values, 2 * first.values, rtol=1e-5)

    again = [*(o for o in SMALL if "input_size" not in o), f"data_root={folder}", f"teacher={best}", "max_epochs=1"]
    done = cli("train", CONFIG, "--out", tmp_path / "second", "--device", "cpu", "--cfg-options", *again)
    assert done.returncode == 0, done.stderr
    second = DepthPredictor(next((tmp_path / "second").glob("best_difference_*.pth")), device="cpu")
    assert second.metadata["licence"] == "Apache-2.0" and second.kind == "relative"
    assert f"a student of {METRIC}" in second.metadata["distilled_from"]


@pytest.mark.slow
def test_a_training_is_resumed_with_its_teacher(train, tmp_path):
    assert train(RELATIVE).returncode == 0
    (tmp_path / "again").mkdir()
    shutil.copy(tmp_path / "out" / "epoch_1.pth", tmp_path / "again")
    done = train(RELATIVE, out="again", resume=True)
    assert done.returncode == 0, done.stderr
    assert "epoch_1.pth at iteration 6 of 12" in done.stdout + done.stderr
    assert (tmp_path / "again" / "epoch_2.pth").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True], ids=["files", "shard"])
def test_damaged_images_are_skipped_counted_and_named(train, folder, tmp_path, packed):
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:100])
    (folder / "3.png").write_text("not an image")
    where = folder / "shard.tar" if packed else folder
    if packed:
        with tarfile.open(where, "w") as shard:
            for path in sorted(folder.glob("*.png")):
                shard.add(path, path.name)
                path.unlink()
    done = train(RELATIVE, "max_epochs=2")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    skipped = "images cannot be read, and others were taken in their place:"
    assert said.count(f"1 of 6 {skipped} {where / '2.png'}") == 1
    assert said.count(f"1 of 2 {skipped} {where / '3.png'}") == 1
    assert said.count(f"2 images of this training could not be read: {where / '2.png'}, {where / '3.png'}") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["metric=True"], f"teacher {RELATIVE} gives relative disparities, which ScaleInvariantLogLoss and"),
        (["model.backbone.depth=60"], f"more than its teacher {RELATIVE}"),
        (["teacher=none.pth", "teacher_weights=None", "model.teacher.input_size=None"], "none.pth: no such checkpoint"),
        (["batch_size=7"], "6 images do not fill one batch of 7"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(train, options, message):
    done = train(RELATIVE, *options)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_folders_without_a_valid_image_are_one_sentence(train, folder):
    for path in folder.iterdir():
        path.write_text("not an image")
    done = train(RELATIVE)
    assert done.returncode == 2
    assert f"{folder}: none of its 6 images can be read" in done.stderr and "Traceback" not in done.stderr
    for path in folder.iterdir():
        path.unlink()
    done = train(RELATIVE)
    assert done.returncode == 2
    assert f"{folder}: contains no image" in done.stderr and "Traceback" not in done.stderr
