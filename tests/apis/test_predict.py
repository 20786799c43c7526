"""Which files are meant, and that no two of them share a name for their results."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.apis.predict import find_photos, output_paths, predict_photos, unique_stems
from depthkit.apis.predictor import DepthResult
from depthkit.errors import InputError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "sub/c.jpg", "sub/deep/d.tif", "odd[1]*.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(photos):
    return [photo.name for photo in photos]


def test_a_folder_gives_its_pictures_sorted_not_those_below(folder):
    photos, problems = find_photos([str(folder)])
    assert names(photos) == ["a.PNG", "b.jpg", "odd[1]*.jpg"] and not problems


def test_globs(folder):
    assert names(find_photos([f"{folder}/*.jpg"])[0]) == ["b.jpg", "odd[1]*.jpg"]
    assert sorted(names(find_photos([f"{folder}/**/*.[jt]*"])[0])) == [
        "b.jpg",
        "c.jpg",
        "d.tif",
        "notes.txt",
        "odd[1]*.jpg",
    ]


def test_a_name_with_a_bracket_and_a_star_is_a_file(folder):
    assert names(find_photos([str(folder / "odd[1]*.jpg")])[0]) == ["odd[1]*.jpg"]


def test_each_once_and_in_the_order_given(folder):
    given = [str(folder / "b.jpg"), str(folder), f"{folder}/*.jpg", f"{folder}/sub/../b.jpg"]
    assert names(find_photos(given)[0]) == ["b.jpg", "a.PNG", "odd[1]*.jpg"]


def test_what_names_nothing_is_said(folder):
    (folder / "empty").mkdir()
    photos, problems = find_photos([str(folder / "x.jpg"), f"{folder}/*.webp", str(folder / "empty")])
    assert not photos
    assert ["x.jpg: no such file" in problems[0], "*.webp: no file matches" in problems[1]] == [True, True]
    assert "empty: no images in this folder" in problems[2]


def test_stems_stay_where_they_can():
    assert unique_stems([Path("a.jpg"), Path("b.png")]) == ["a", "b"]
    assert unique_stems([Path("a.jpg"), Path("a.png"), Path("b.png")]) == ["a_jpg", "a_png", "b"]
    assert unique_stems([Path("/x/a.jpg"), Path("/y/a.jpg")]) == ["x_a_jpg", "y_a_jpg"]
    assert unique_stems([Path("/p/x/a.jpg"), Path("/q/x/a.jpg")]) == ["x_a_jpg", "x_a_jpg_2"]


part = st.text("aA_2jpg", min_size=1, max_size=4)


@given(st.lists(st.builds(lambda d, s, e: Path(f"/{d}/{s}.{e}"), part, part, st.sampled_from(["jpg", "JPG", "png"]))))
def test_no_two_photos_share_a_result(photos):
    files = [
        path.name.casefold() for stem in unique_stems(photos) for path in output_paths("out", stem, True, True).values()
    ]
    assert len(set(files)) == 5 * len(photos)


def predict(image):
    """A predictor that reads nothing."""
    if image.name.startswith("bad"):
        raise InputError(f"{image}: is not a picture")
    depth = np.full((20, 30), 70.0 if image.name.startswith("far") else 2.0, np.float32)
    return DepthResult(depth, np.zeros((20, 30, 3), np.uint8))


def test_a_bad_photo_does_not_stop_the_rest(tmp_path, capsys):
    photos = [tmp_path / name for name in ("a.jpg", "bad.jpg", "far.jpg")]
    assert predict_photos(predict, photos, tmp_path / "new" / "out", point_cloud=True) == 1
    stems = {file.name.partition("_")[0] for file in (tmp_path / "new" / "out").iterdir()}
    assert stems == {"a", "far"}
    out, err = capsys.readouterr()
    assert "a_colored.png (2.00 to 2.00 m)" in out
    assert "error: " in err and "bad.jpg: is not a picture" in err
    assert "far.jpg: 600 pixels are beyond the 65.535 m that far_depth.png can hold" in err
    assert err.count("no focal length") == 2


def test_a_photo_is_never_overwritten(tmp_path):
    photos = [tmp_path / "a.jpg", tmp_path / "a_depth.png"]
    for photo in photos:
        photo.write_bytes(b"mine")
    with pytest.raises(InputError, match="a_depth.png: is one of the images"):
        predict_photos(predict, photos, tmp_path)
    assert [photo.read_bytes() for photo in photos] == [b"mine", b"mine"]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_written_stops(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is not a folder"):
        predict_photos(predict, [Path("a.jpg")], tmp_path / "file")
    (tmp_path / "out" / "a_depth.npy").mkdir(parents=True)
    with pytest.raises(InputError, match="a_depth.npy: cannot be written"):
        predict_photos(predict, [Path("a.jpg")], tmp_path / "out")


def test_an_empty_range_is_found_at_the_start(tmp_path):
    with pytest.raises(InputError, match="two depths in metres"):
        predict_photos(predict, [Path("a.jpg")], tmp_path / "out", depth_range=(3, 3))
    assert not (tmp_path / "out").exists()
