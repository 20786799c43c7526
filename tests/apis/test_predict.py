"""Many images are predicted and saved; that one cannot be read does not stop the others."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from depthkit.apis.predict import predict_images
from depthkit.apis.result import DepthResult
from depthkit.errors import InputError


class Predictor:
    """Looks at no image: values by its name."""

    def __init__(self, kind="metric", can_follow_focal=True, **fields):
        self.kind, self.can_follow_focal, self.fields = kind, can_follow_focal, fields

    def prepare(self, rgb, name="", focal=None, exif=None):
        return {"inputs": torch.zeros(1, 3, *rgb.shape[:2]), "data_samples": [name]}, None

    def run(self, batch):
        return batch["data_samples"]

    def make_result(self, image, camera, name):
        values = np.full((20, 30), 70.0 if "far" in name else 2.0, np.float32)
        values[0, 0] /= 4
        if "empty" in name:
            values[:] = np.nan
        return DepthResult(values, image.rgb, self.kind, **self.fields)


@pytest.fixture(autouse=True)
def folder(tmp_path_factory, monkeypatch) -> Path:
    """The folder of the images, in which the test is."""
    folder = tmp_path_factory.mktemp("images")
    monkeypatch.chdir(folder)
    for name in ("a", "b", "far", "empty"):
        Image.new("RGB", (30, 20)).save(f"{name}.jpg")
    Path("bad.jpg").write_text("not an image")
    return folder


predict = Predictor()


def test_a_bad_image_does_not_stop_the_others(tmp_path, capsys):
    images = [Path(name) for name in ("a.jpg", "bad.jpg", "far.jpg")]
    out_dir = tmp_path / "new" / "out"
    saved, failed, _ = predict_images(predict, images, out_dir, outputs=["+points"])
    assert [one.image.name for one in saved] == ["a.jpg", "far.jpg"]
    assert [(one.min_depth, one.max_depth, one.saturated) for one in saved] == [(0.5, 2, 0), (17.5, 70, 599)]
    written = {path for one in saved for path in one.files.values()}
    assert written == set(out_dir.glob("[!.]*")) and len(written) == 8
    out, err = capsys.readouterr()
    assert f"a_colored.png and 3 more files in {out_dir} (0.50 to 2.00 m, colours 1.75 to 2.25 m)" in out
    assert "error: " in err and "bad.jpg: is not an image of a known format" in err
    assert "far.jpg: 599 pixels are beyond the 65.535 m that far_depth.png can hold; far_depth.npy has" in err
    assert [(one.image, one.error) for one in failed] == [(images[1], str(failed[0].error))]
    assert err.splitlines()[-1].startswith(
        "warning: 2 images: no focal length in EXIF; points, mesh and normals assume that of"
    )
    assert err.count("no focal length in") == 1


def test_an_image_is_never_overwritten(tmp_path):
    images = [tmp_path / "a.jpg", tmp_path / "a_depth.png"]
    for image in images:
        image.write_bytes(b"mine")
    with pytest.raises(InputError, match="a_depth.png: is one of the inputs"):
        predict_images(predict, images, tmp_path)
    assert [image.read_bytes() for image in images] == [b"mine", b"mine"]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_written_stops(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is not a folder"):
        predict_images(predict, [Path("a.jpg")], tmp_path / "file")


def test_a_name_that_cannot_be_written_fails_alone(tmp_path):
    (tmp_path / "out" / "a_depth.npy").mkdir(parents=True)
    saved, failed, _ = predict_images(predict, [Path("a.jpg"), Path("b.jpg")], tmp_path / "out")
    assert [one.image for one in saved] == [Path("b.jpg")]
    assert [one.error for one in failed] == [
        f"{tmp_path / 'out' / 'a_depth.npy'}: is a folder; give the name of a file"
    ]
    assert not list((tmp_path / "out").glob("a_*.png"))


def test_an_empty_range_is_found_at_the_start(tmp_path):
    with pytest.raises(InputError, match="two depths in metres"):
        predict_images(predict, [Path("a.jpg")], tmp_path / "out", depth_range=(3, 3))
    assert not (tmp_path / "out").exists()


def test_a_relative_result_is_never_called_metres(tmp_path, capsys):
    metadata = {"model": "some-model", "licence": "CC-BY-NC-4.0"}
    predictor = Predictor("relative", focal_length=30.0, focal_source="given", metadata=metadata)
    (one, empty), *_ = predict_images(predictor, [Path("a.jpg"), Path("empty.jpg")], tmp_path, outputs=["+points"])
    out, err = capsys.readouterr()
    assert "(relative, disparity 0.5 to 2; focal length 30 px, given)" in out and " m)" not in out
    assert "(relative, no valid disparity; focal" in out
    assert (
        "warning: 2 images: the shape of points, mesh and normals is not the scene's" in err
        and err.count("warning") == 1
    )
    assert (one.kind, one.unit, one.min_depth, one.max_depth) == ("relative", "none", None, None)
    assert (one.min_disparity, one.max_disparity, one.color_range) == (0.5, 2, (1, 3))
    assert (one.focal_length, one.focal_source, one.metadata) == (30, "given", metadata)
    assert set(one.files) == {"colored", "disparity_png", "disparity_npy", "points"}
    assert {path.name for path in tmp_path.glob("a_*")} == {path.name for path in one.files.values()}
    assert empty.min_disparity is None


def test_a_metric_result_says_its_unit_and_colours(tmp_path):
    (one,), *_ = predict_images(Predictor(depth_range=(0, 20)), [Path("a.jpg")], tmp_path)
    assert (one.kind, one.unit, one.min_disparity, one.color_range) == ("metric", "m", None, (1.75, 2.25))
    (one,), *_ = predict_images(predict, [Path("a.jpg")], tmp_path, depth_range=(1, 3))
    assert one.color_range == (1, 3)


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        ({}, "a.jpg: no focal length in EXIF; points, mesh and normals assume that of NYU"),
        (
            {"focal_length": 30.0, "focal_source": "assumed"},
            "points, mesh and normals assume that of the model's training",
        ),
        (
            {"focal_length": 30.0, "focal_source": "assumed", "metres_follow_focal": True},
            "a.jpg: no focal length in EXIF; the metres are those of the assumed one",
        ),
        ({"focal_length": 30.0, "focal_source": "exif"}, None),
        ({"focal_length": 30.0, "focal_source": "given"}, None),
    ],
)
def test_points_say_where_their_focal_length_is_from(tmp_path, capsys, fields, warning):
    predict_images(Predictor(**fields), [Path("a.jpg")], tmp_path, outputs=["+points"])
    err = capsys.readouterr().err
    assert err.count("warning") == bool(warning) and (warning or "") in err
    predict_images(Predictor(**fields), [Path("a.jpg")], tmp_path)  # without points, only metres can be wrong
    assert ("warning" in capsys.readouterr().err) == fields.get("metres_follow_focal", False)


@pytest.mark.parametrize(
    ("source", "follows", "can_follow", "expected"),
    [
        ("given", True, True, "colours 1.75 to 2.25 m; focal length 30.55 px, given)"),
        ("exif", True, True, "colours 1.75 to 2.25 m; focal length 30.55 px, exif)"),
        ("assumed", True, True, "colours 1.75 to 2.25 m; focal length 30.55 px, assumed)"),
        # Depth Anything V2 metric: not one that was never used.
        ("exif", False, True, "2.25 m; the authors' metres, EXIF's 30.55 px not used: --focal exif applies it)"),
        ("assumed", False, True, "(0.50 to 2.00 m, colours 1.75 to 2.25 m)"),
        # A model without canonical_focal.
        ("exif", False, False, "colours 1.75 to 2.25 m; focal length 30.55 px, exif, not used for metres)"),
        ("given", False, False, "colours 1.75 to 2.25 m; focal length 30.55 px, given, not used for metres)"),
    ],
)
def test_the_line_says_whether_the_metres_follow_the_camera(tmp_path, capsys, source, follows, can_follow, expected):
    camera = {"focal_length": 30.55, "focal_source": source, "metres_follow_focal": follows}
    (one,), *_ = predict_images(Predictor(can_follow_focal=can_follow, **camera), [Path("a.jpg")], tmp_path)
    assert expected in capsys.readouterr().out
    assert (one.focal_source, one.metres_follow_focal) == (source, follows)


@pytest.mark.parametrize(
    ("focal", "source", "angle"),
    [(150, "given", "11.4"), (4.5, "exif", "147"), (30, "given", None), (6, "exif", None), (150, "assumed", None)],
)
def test_a_field_of_view_that_no_usual_lens_has(tmp_path, capsys, focal, source, angle):
    predictor = Predictor(focal_length=focal, focal_source=source)
    images = [Path("a.jpg"), Path("b.jpg")]
    (one, _), *_ = predict_images(predictor, images, tmp_path)
    err = capsys.readouterr().err
    assert err.count("warning") == (0 if angle is None else 2)  # each image has its own
    if angle is not None:
        assert f"a.jpg: a focal length of {focal} px ({source}) is a field of view of {angle} degrees, usual are" in err
        assert one.field_of_view == pytest.approx(float(angle), rel=0.01)


def test_a_range_in_metres_of_a_relative_model_is_found_at_the_start(tmp_path):
    with pytest.raises(InputError, match="range: is in metres, but this model's results are relative"):
        predict_images(Predictor("relative"), [Path("a.jpg")], tmp_path / "out", depth_range=(0, 3))
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_found_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(InputError, match=r"needs the package OpenEXR; run: pip install 'depthkit\[exr\]'"):
        predict_images(predict, [Path("a.jpg")], tmp_path / "out", outputs=["exr"])
    assert not (tmp_path / "out").exists()


def test_disparities_never_replace_an_image(tmp_path):
    image = tmp_path / "a_disparity.png"
    image.write_bytes(b"mine")
    with pytest.raises(InputError, match="a_disparity.png: is one of the inputs"):
        predict_images(Predictor("relative"), [tmp_path / "a.jpg", image], tmp_path)
