"""`depthkit predict` on folders: the results of one image alone, subfolders, resuming, signals."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthkit.apis.existing_results import is_complete
from depthkit.apis.source_record import RECORD
from helpers import tool_environment

CPU = ("--device", "cpu")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Images of two sizes in a folder and below it."""
    folder = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(0)
    for number, name in enumerate(("a.jpg", "a.png", "b.jpg", "day 1/a.jpg", "day 1/x/c.png", "day 2/a.jpg")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        sides = (60, 80) if number % 2 else (50, 50)
        Image.fromarray(rng.integers(0, 255, (*sides, 3), np.uint8)).save(folder / name)
    (folder / "day 1" / "bad.jpg").write_text("not an image")
    return folder


@pytest.fixture
def predict(cli, demo_config, demo_checkpoint):
    def call(out: Path, *args: object):
        return cli("predict", *args, "--config", demo_config, "--weights", demo_checkpoint, "--out", out, *CPU)

    return call


STEMS = ["a_jpg", "a_png", "b", "day 1/a", "day 1/x/c", "day 2/a"]


def read(out: Path) -> dict[str, bytes]:
    found = sorted(path for path in out.rglob("*") if path.is_file() and path.name != RECORD)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


def test_a_folder_has_the_results_of_each_image_alone(predict, archive, tmp_path, demo_config, demo_checkpoint):
    from depthkit import DepthPredictor

    done = predict(tmp_path / "out", archive, "--recursive", "--json", tmp_path / "r.json")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "bad.jpg: is not an image" in done.stderr
    assert "6 images in " in done.stdout and done.stdout.rstrip().endswith(" images a second")
    content = json.loads((tmp_path / "r.json").read_text())
    assert [one["files"]["depth_npy"] for one in content["images"]] == [
        str(tmp_path / "out" / f"{stem}_depth.npy") for stem in STEMS
    ]
    predictor = DepthPredictor(demo_config, demo_checkpoint, device="cpu")
    for stem, image in zip(STEMS, content["images"], strict=True):
        alone = predictor(image["image"]).save((tmp_path / "alone" / stem).parent, Path(stem).name)
        assert alone.color_range == tuple(image["color_range"])
    assert read(tmp_path / "out") == read(tmp_path / "alone")

    done = predict(tmp_path / "batches", archive, "--recursive", "--batch-size", 3)
    assert done.returncode == 1 and len(read(tmp_path / "batches")) == 3 * len(STEMS)
    for stem in STEMS:
        one, other = (np.load(tmp_path / out / f"{stem}_depth.npy") for out in ("out", "batches"))
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_images_with_complete_results_are_skipped(predict, archive, tmp_path):
    options = (archive, "--recursive", "--skip-existing", "--outputs", "depth,npy", "--json", tmp_path / "r.json")
    assert predict(tmp_path / "out", *options).returncode == 1
    whole = read(tmp_path / "out")
    (tmp_path / "out" / "b_depth.npy").unlink()
    (tmp_path / "out" / "day 2" / "a_depth.png").write_bytes(whole["day 2/a_depth.png"][:-5])
    done = predict(tmp_path / "out", *options)
    assert done.returncode == 1 and f"skipped: 4 of 7 images, whose results are complete in {tmp_path / 'out'}\n" in (
        done.stdout
    )
    assert "2 images in " in done.stdout and read(tmp_path / "out") == whole
    skipped = json.loads((tmp_path / "r.json").read_text())["skipped"]
    assert [Path(image).relative_to(archive).as_posix() for image in skipped] == [
        "a.jpg", "a.png", "day 1/a.jpg", "day 1/x/c.png"
    ]  # fmt: skip
    done = predict(tmp_path / "out", archive / "b.jpg", "--skip-existing", "--outputs", "depth,npy")
    assert done.returncode == 0 and "skipped: 1 of 1 images" in done.stdout, "a run with nothing to do is a success"
    done = predict(tmp_path / "out", archive / "b.jpg", "--skip-existing")
    assert "skipped" not in done.stdout and (tmp_path / "out" / "b_colored.png").exists(), "other outputs were wanted"


def test_results_of_other_images_are_not_taken(predict, tmp_path):
    for number, place in enumerate(("cam1/day", "cam2/day", "cam0/day", "other")):
        (tmp_path / place).mkdir(parents=True)
        Image.new("RGB", (40 + number, 30)).save(tmp_path / place / "a.png")
    (tmp_path / "cam0" / "day" / "a.png").rename(tmp_path / "kept.png")
    out, options = tmp_path / "out", ("--skip-existing", "--outputs", "depth")
    assert predict(out, tmp_path / "*" / "day" / "*.png", *options).returncode == 0
    (tmp_path / "kept.png").rename(tmp_path / "cam0" / "day" / "a.png")  # the numbers of the others' names shift
    done = predict(out, tmp_path / "*" / "day" / "*.png", *options)
    assert done.returncode == 0 and "skipped" not in done.stdout
    assert sorted(Image.open(path).width for path in out.glob("*.png")) == [40, 41, 42]
    for place in ("cam1/day", "other"):  # another image of this name
        assert predict(tmp_path / "o", tmp_path / place, *options).returncode == 0
    assert Image.open(tmp_path / "o" / "a_depth.png").width == 43
    assert "skipped: 1 of 1" in predict(tmp_path / "o", tmp_path / "other", *options).stdout
    assert predict(tmp_path / "o", tmp_path / "cam1/day", *options[1:]).returncode == 0
    assert "skipped" not in predict(tmp_path / "o", tmp_path / "other", *options).stdout, "they were replaced"


def test_large_images_are_read_smaller_and_it_is_said(predict, archive, tmp_path):
    options = ("--max-megapixels", 0.01, "--focal", 100, "--cfg-options", "model.canonical_focal=100")
    Image.new("RGB", (300, 100)).save(tmp_path / "large.jpg")
    done = predict(tmp_path / "out", tmp_path / "large.jpg", archive / "a.jpg", *options, "--json", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    assert "focal length 50 px, given; at 1/2 of its size)" in done.stdout and "100 px, given)" in done.stdout
    assert "large.jpg: too large (--max-megapixels), so read at 1/2" in done.stderr and done.stderr.count("\n") == 1
    assert [one["reduction"] for one in json.loads((tmp_path / "r.json").read_text())["images"]] == [2, 1]
    assert np.load(tmp_path / "out" / "large_depth.npy").shape == (50, 150)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["a.jpg", "--recursive"], "--recursive: is for folders, and none was given"),
        ([".", "--recursive", "--out", "day 1/out"], "results there would be taken for images by '.' the next time"),
        (["a.jpg", "--skip-existing", "--range", "shared"], "--range shared: needs the depth of all images"),
        (["a.jpg", "--skip-existing", "--contact-sheet", "s.png"], "--contact-sheet: needs the depth of all images"),
        (["a.jpg", "--batch-size", "0"], "0 is not in the range x>=1"),
        (["a.jpg", "--max-megapixels", "0"], "0.0 is not in the range 0.01<=x<=190"),
    ],
)
def test_an_option_that_cannot_be_is_one_sentence(cli, archive, monkeypatch, options, message):
    monkeypatch.chdir(archive)
    done = cli("predict", *options, "--model", "rooms-deit-tiny")
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (archive / "depthkit_out").exists()


@pytest.mark.slow  # two processes that import torch
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])  # SIGINT: hostile/generators/signals.py
def test_a_run_that_was_stopped_leaves_complete_files_and_is_resumed(cli, tmp_path, number):
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    for place in range(30):
        Image.new("RGB", (320, 240), (8 * place, 90, 10)).save(images / f"{place:02d}.jpg")
    command = ["-m", "depthkit.cli.main", "predict", images, "--model", "rooms-deit-tiny", "--out", out, *CPU]
    process = subprocess.Popen(
        [sys.executable, "-u", *map(str, command)], env=tool_environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stdout:
        if " -> " in line:
            process.send_signal(number)
            break
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number), err
    assert "Traceback" not in err
    visible = [path for path in out.iterdir() if not path.name.startswith(".")]
    assert 0 < len(visible) < 90 and all(map(is_complete, visible))
    if number != signal.SIGKILL:
        assert len(visible) + 1 == len(list(out.iterdir())), "no temporary file is left"
    before = (out / RECORD).read_text().count("_depth.npy")
    assert 0 < before <= len(visible) / len(ENDS)
    done = cli(*command[2:], "--skip-existing")
    assert done.returncode == 0 and f"skipped: {before} of 30 images" in done.stdout
    assert f"{30 - before} images in " in done.stdout
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        f"{place:02d}_{end}" for place in range(30) for end in ENDS
    }


ENDS = ("colored.png", "depth.png", "depth.npy")
