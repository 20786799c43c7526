"""tools/predict.py as a user runs it: photos of all kinds in, depth in metres out, exit statuses."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from depthkit.registry import MODELS
from depthkit.utils.config import load_config
from helpers import write_crafted_checkpoint

CONFIG = Path(__file__).parents[2] / "configs" / "demo_rooms.py"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """Weights of the demo's model, not trained."""
    init_default_scope("depthkit")
    torch.manual_seed(0)
    model = MODELS.build(load_config(CONFIG).model)
    path = tmp_path_factory.mktemp("weights") / "demo.pth"
    torch.save(model.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """One picture of every kind, all readable."""
    folder = tmp_path_factory.mktemp("pictures")
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        photo = Image.open(file).convert("RGB")
    small = photo.resize((120, 140))
    small.save(folder / "rgb.jpg")
    small.convert("L").save(folder / "grey.png")
    small.convert("CMYK").save(folder / "cmyk.jpg")
    small.convert("P").save(folder / "palette.png")
    Image.fromarray(np.asarray(small.convert("L")).astype(np.uint16) * 257).save(folder / "sixteen.png")
    alpha = small.convert("RGBA")
    alpha.putalpha(100)
    alpha.save(folder / "alpha.webp")
    exif = Image.Exif()
    exif[0x0112] = 8
    small.save(folder / "turned.jpg", exif=exif)
    small.resize((700, 9)).save(folder / "flat.tif")
    photo.resize((1, 1)).save(folder / "dot.bmp")
    (folder / "readme.txt").write_text("not a picture")
    return folder


def predict(call_tool, checkpoint, out, *args):
    return call_tool("predict", *args, "--config", CONFIG, "--checkpoint", checkpoint, "--out", out)


def test_every_kind_of_picture_in_a_folder(call_tool, checkpoint, pictures, tmp_path):
    done = predict(call_tool, checkpoint, tmp_path / "new" / "out", pictures, "--side-by-side", "--point-cloud")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "new" / "out"
    sizes = dict.fromkeys(("rgb", "grey", "cmyk", "palette", "sixteen", "alpha"), (140, 120))
    sizes |= {"turned": (120, 140), "flat": (9, 700), "dot": (1, 1)}
    assert len(list(out.iterdir())) == 5 * len(sizes)
    for stem, size in sizes.items():
        depth = np.load(out / f"{stem}_depth.npy")
        millimetres = np.asarray(Image.open(out / f"{stem}_depth.png"))
        assert depth.shape == millimetres.shape == size
        assert depth.dtype == np.float32 and millimetres.dtype == np.uint16
        assert depth.min() >= 1e-3 and depth.max() <= 10
        np.testing.assert_allclose(millimetres / 1000, depth, atol=5.1e-4)
        for kind in ("colored", "side_by_side"):
            assert Image.open(out / f"{stem}_{kind}.png").mode == "RGB"
        assert f"element vertex {depth.size}\n".encode() in (out / f"{stem}_points.ply").read_bytes()[:200]
        assert f"{stem}_colored.png" in done.stdout


def test_bad_files_are_reported_and_the_rest_go_on(call_tool, checkpoint, pictures, tmp_path):
    photos = [
        tmp_path / "a" / "x.jpg",
        tmp_path / "b" / "x.jpg",
        tmp_path / "cut.jpg",
        tmp_path / "empty.png",
    ]
    whole = (pictures / "rgb.jpg").read_bytes()
    for photo, content in zip(photos, (whole, whole, whole[: len(whole) // 2], b""), strict=True):
        photo.parent.mkdir(exist_ok=True)
        photo.write_bytes(content)
    missing, text = tmp_path / "missing.jpg", pictures / "readme.txt"
    done = predict(call_tool, checkpoint, tmp_path / "out", *photos, missing, text, "--range", 0, 6)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4 and "Traceback" not in done.stderr
    for name in ("cut.jpg", "empty.png", "missing.jpg", "readme.txt"):
        assert sum(name in line for line in errors) == 1
    names = {file.name for file in (tmp_path / "out").iterdir()}
    kinds = ("colored.png", "depth.png", "depth.npy")
    assert names == {f"{folder}_x_jpg_{kind}" for folder in "ab" for kind in kinds}


def test_nothing_but_bad_files(call_tool, checkpoint, pictures, tmp_path):
    done = predict(call_tool, checkpoint, tmp_path / "out", pictures / "readme.txt")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("photos", [["missing.jpg"], ["*.webp"], ["."]])
def test_nothing_that_matches(run_tool, photos, tmp_path):
    done = run_tool("predict", *photos, "--config", "c.py", "--checkpoint", "w.pth", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {photos[0]}: no ") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_used_is_one_sentence(call_tool, checkpoint, pictures, tmp_path):
    bad = tmp_path / "crafted.pth"
    write_crafted_checkpoint(bad)
    (tmp_path / "file").touch()
    photo, out = pictures / "rgb.jpg", tmp_path / "out"
    runs = {
        "could execute code": ["--checkpoint", bad, "--out", out],
        "is not a folder": ["--checkpoint", checkpoint, "--out", tmp_path / "file"],
    }
    for expected, options in runs.items():
        done = call_tool("predict", photo, "--config", CONFIG, *options)
        assert done.returncode == 2, (expected, done.stderr)
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
        assert expected in done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["crafted.pth", "file"]


def test_help_answers_at_once():
    command = [sys.executable, str(Path(__file__).parents[2] / "tools" / "predict.py"), "--help"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "--side-by-side" in done.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
