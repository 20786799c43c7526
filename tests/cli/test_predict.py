"""`depthkit predict`: images of all kinds in, depth in metres out, exit statuses."""

import json
from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
from PIL import Image

from helpers import write_crafted_checkpoint

CPU = ("--device", "cpu")


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """One image of every kind, all readable."""
    folder = tmp_path_factory.mktemp("images")
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
    (folder / "readme.txt").write_text("not an image")
    return folder


@pytest.fixture
def predict(cli, demo_config, demo_checkpoint):
    def call(out: Path, *args: object):
        return cli("predict", *args, "--config", demo_config, "--weights", demo_checkpoint, "--out", out, *CPU)

    return call


def test_every_kind_of_image_in_a_folder(predict, images, tmp_path):
    done = predict(tmp_path / "new" / "out", images, "--side-by-side", "--point-cloud")
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


def test_bad_files_are_reported_and_the_others_predicted(predict, images, tmp_path):
    photos = [tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.jpg", tmp_path / "cut.jpg", tmp_path / "empty.png"]
    whole = (images / "rgb.jpg").read_bytes()
    for photo, content in zip(photos, (whole, whole, whole[: len(whole) // 2], b""), strict=True):
        photo.parent.mkdir(exist_ok=True)
        photo.write_bytes(content)
    missing, text = tmp_path / "missing.jpg", images / "readme.txt"
    done = predict(tmp_path / "out", *photos, missing, text, "--range", 0, 6, "--json", tmp_path / "results.json")
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4 and "Traceback" not in done.stderr
    for name in ("cut.jpg", "empty.png", "missing.jpg", "readme.txt"):
        assert sum(name in line for line in errors) == 1
    content = json.loads((tmp_path / "results.json").read_text())
    failed = [str(path) for path in (missing, *photos[2:], text)]
    assert [one["image"] for one in content["failed"]] == failed and len(content["images"]) == 2
    assert {f"error: {one['error']}" for one in content["failed"]} == set(errors)
    names = {file.name for file in (tmp_path / "out").iterdir()}
    kinds = ("colored.png", "depth.png", "depth.npy")
    assert names == {f"{folder}_x_jpg_{kind}" for folder in "ab" for kind in kinds}


def test_nothing_but_bad_files(predict, images, tmp_path):
    done = predict(tmp_path / "out", images / "readme.txt")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("pattern", ["missing.jpg", "*.webp", "."])
def test_nothing_that_matches(cli, pattern, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("predict", pattern, "--config", "c.py", "--checkpoint", "w.pth", "--out", "out")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {pattern}: no ") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_alone_is_enough(cli, checkpoint_with_config, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("--weights", checkpoint_with_config, "--json", "results.json", *CPU)
    done = cli("predict", images / "rgb.jpg", images / "grey.png", *options)
    assert done.returncode == 0, done.stderr
    assert "device: cpu" in done.stdout
    content = json.loads(Path("results.json").read_text())
    assert (content["device"], content["weights"]) == ("cpu", str(checkpoint_with_config))
    for name, result in zip(("rgb", "grey"), content["images"], strict=True):
        depth = np.load(Path("depthkit_out") / f"{name}_depth.npy")
        assert result["files"]["depth_npy"] == f"depthkit_out/{name}_depth.npy"
        assert (result["min_depth"], result["max_depth"]) == (depth.min(), depth.max())


def test_floats_as_tiff_and_what_json_says_of_them(predict, images, tmp_path):
    options = ("--float-format", "tiff", "--json", tmp_path / "results.json")
    done = predict(tmp_path / "out", images / "rgb.jpg", *options)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads((tmp_path / "results.json").read_text())["images"]
    assert set(result["files"]) == {"colored", "depth_png", "depth_tiff"}
    depth = np.asarray(Image.open(result["files"]["depth_tiff"]))
    assert depth.dtype == np.float32 and (depth.min(), depth.max()) == (result["min_depth"], result["max_depth"])
    assert (result["kind"], result["unit"]) == ("metric", "m")
    low, high = result["color_range"]
    assert low <= np.percentile(depth, 2.5) and high >= np.percentile(depth, 97.5)
    assert result["min_disparity"] is None and result["focal_source"] is None


def test_what_cannot_be_used_is_one_sentence(cli, demo_config, demo_checkpoint, images, tmp_path):
    executed = write_crafted_checkpoint(tmp_path / "crafted.pth")
    (tmp_path / "file").touch()
    runs = {
        "could execute code": [tmp_path / "crafted.pth", "--config", demo_config, "--out", tmp_path / "out"],
        "is not a folder": [demo_checkpoint, "--config", demo_config, "--out", tmp_path / "file"],
        "carries no config": [demo_checkpoint, "--out", tmp_path / "out"],
    }
    for expected, options in runs.items():
        done = cli("predict", images / "rgb.jpg", *CPU, "--weights", *options)
        assert done.returncode == 2, (expected, done.stderr)
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
        assert expected in done.stderr
    assert not executed.exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["crafted.pth", "file"]


def test_metres_follow_the_focal_length(predict, images, tmp_path):
    canonical = ("--cfg-options", "model.canonical_focal=100")
    for out, options in (("once", (*canonical, "--focal", 150)), ("twice", (*canonical, "--focal", "300.0"))):
        done = predict(tmp_path / out, images / "rgb.jpg", *options, "--json", tmp_path / f"{out}.json")
        assert done.returncode == 0 and not done.stderr, done.stderr
    assert " m; focal length 300 px, given)" in done.stdout
    content = json.loads((tmp_path / "twice.json").read_text())["images"][0]
    assert (content["focal_length"], content["focal_source"], content["metres_follow_focal"]) == (300, "given", True)
    before = json.loads((tmp_path / "once.json").read_text())["images"][0]
    assert content["max_depth"] == pytest.approx(2 * before["max_depth"])
    once, twice = (np.load(tmp_path / out / "rgb_depth.npy") for out in ("once", "twice"))
    np.testing.assert_array_equal(twice, 2 * once)
    done = predict(tmp_path / "out", images / "rgb.jpg", images / "grey.png", *canonical)
    assert done.returncode == 0 and "warning: 2 images: no focal length in EXIF; the metres are" in done.stderr
    assert done.stderr.count("\n") == 1
    done = predict(tmp_path / "out", images / "rgb.jpg", "--focal", 150)
    assert (
        "warning: the output of this model does not follow the camera" in done.stderr and done.stderr.count("\n") == 1
    )


@pytest.mark.parametrize(
    ("focal", "message"),
    [
        ("0", "focal: '0' is not a focal length"),
        ("-3", "focal: '-3' is not a focal length"),
        ("nan", "focal: 'nan' is not a focal length"),
        ("inf", "focal: 'inf' is not a focal length"),
        ("26mm", "focal: '26mm' is not a focal length"),
        ("13", "rgb.jpg: a focal length of 13 px is impossible for 120x140 px; expected 14 to 14000"),
        ("exif", "rgb.jpg: has no focal length in its EXIF; give it in pixels"),
    ],
)
def test_a_focal_length_that_cannot_be_is_one_sentence(predict, images, tmp_path, focal, message):
    done = predict(tmp_path / "out", images / "rgb.jpg", f"--focal={focal}", "--cfg-options", "model.canonical_focal=9")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and message in done.stderr, done.stderr
    assert not list(tmp_path.glob("out/*"))
