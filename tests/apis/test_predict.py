"""Many images are predicted and saved; that one cannot be read does not stop the others."""

from pathlib import Path

import numpy as np
import pytest

from depthkit.apis.predict import predict_images
from depthkit.apis.result import DepthResult
from depthkit.errors import InputError


def predict(image, focal=None):
    """A predictor that reads nothing."""
    if image.name.startswith("bad"):
        raise InputError(f"{image}: is not an image")
    depth = np.full((20, 30), 70.0 if image.name.startswith("far") else 2.0, np.float32)
    return DepthResult(depth, np.zeros((20, 30, 3), np.uint8))


def test_a_bad_image_does_not_stop_the_others(tmp_path, capsys):
    images = [tmp_path / name for name in ("a.jpg", "bad.jpg", "far.jpg")]
    out_dir = tmp_path / "new" / "out"
    saved = predict_images(predict, images, out_dir, point_cloud=True)
    assert [one.image.name for one in saved] == ["a.jpg", "far.jpg"]
    assert [(one.min_depth, one.saturated) for one in saved] == [(2, 0), (70, 600)]
    written = {path for one in saved for path in one.files.values()}
    assert written == set(out_dir.iterdir()) and len(written) == 8
    out, err = capsys.readouterr()
    assert "a_colored.png (2.00 to 2.00 m)" in out
    assert "error: " in err and "bad.jpg: is not an image" in err
    assert "far.jpg: 600 pixels are beyond the 65.535 m that far_depth.png can hold" in err
    assert err.count("no focal length") == 2


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
    (tmp_path / "out" / "a_depth.npy").mkdir(parents=True)
    with pytest.raises(InputError, match="a_depth.npy: cannot be written"):
        predict_images(predict, [Path("a.jpg")], tmp_path / "out")


def test_an_empty_range_is_found_at_the_start(tmp_path):
    with pytest.raises(InputError, match="two depths in metres"):
        predict_images(predict, [Path("a.jpg")], tmp_path / "out", depth_range=(3, 3))
    assert not (tmp_path / "out").exists()
