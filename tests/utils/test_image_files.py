"""Which files are images, and that no two of them share a name for their results."""

import glob
import os
import socket
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.utils.image_files import check_not_found_again, check_not_inputs, find_images, list_images, unique_stems
from helpers import run_and_list_imports


@pytest.fixture
def folder(tmp_path):
    """Images beside all that must not be taken for one."""
    for name in (
        "b.jpg",
        "a.PNG",
        "notes.txt",
        ".hidden.jpg",
        "sub/c.jpg",
        "sub/deep/d.tif",
        ".git/e.png",
        "odd[1]*.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    return tmp_path


def names(images):
    return [image.name for image in images]


def test_a_folder_gives_its_regular_files_sorted(folder):
    assert names(list_images(folder)) == ["a.PNG", "b.jpg", "odd[1]*.jpg"]
    assert names(list_images(folder, suffixes=[".txt"])) == ["notes.txt"]


def test_subfolders_are_searched_in_the_order_of_paths(folder):
    found = list_images(folder, recursive=True)
    assert names(found) == ["a.PNG", "b.jpg", "odd[1]*.jpg", "c.jpg", "d.tif"]
    assert found == sorted(found) and found[-1] == folder / "sub" / "deep" / "d.tif"


def test_a_link_to_a_folder_is_not_followed(folder):
    (folder / "sub" / "loop").symlink_to(folder)
    assert len(list_images(folder, recursive=True)) == 5


def test_sockets_are_not_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.png")
        assert not list_images(".")
        assert find_images(["s.png"]) == ([], {"s.png": "s.png: not a regular file; expected an image"})


def test_a_command_line_takes_a_folder_without_its_subfolders(folder):
    images, problems = find_images([str(folder)])
    assert names(images) == ["a.PNG", "b.jpg", "odd[1]*.jpg"] and not problems


def test_globs(folder):
    assert names(find_images([f"{folder}/*.jpg"])[0]) == ["b.jpg", "odd[1]*.jpg"]
    found = names(find_images([f"{folder}/**/*.[jt]*"])[0])
    assert sorted(found) == ["b.jpg", "c.jpg", "d.tif", "notes.txt", "odd[1]*.jpg"]


def test_a_name_with_a_bracket_and_a_star_is_a_file(folder):
    assert names(find_images([str(folder / "odd[1]*.jpg")])[0]) == ["odd[1]*.jpg"]


def test_each_once_and_in_the_order_given(folder):
    given = [str(folder / "b.jpg"), str(folder), f"{folder}/*.jpg", f"{folder}/sub/../b.jpg"]
    assert names(find_images(given)[0]) == ["b.jpg", "a.PNG", "odd[1]*.jpg"]


def test_patterns_without_an_image_are_reported(folder):
    (folder / "empty").mkdir()
    patterns = [folder / "x.jpg", f"{folder}/*.webp", folder / "empty", folder / "pipe.png", "x" * 5000 + "\0"]
    images, problems = find_images([str(pattern) for pattern in patterns])
    assert not images and list(problems) == [str(pattern) for pattern in patterns]
    expected = (
        "x.jpg: no such file",
        "*.webp: no file matches",
        "empty: no images in this folder; expected .bmp",
        "pipe.png: not a regular file",
        "no such file",
    )
    assert all(text in problem for text, problem in zip(expected, problems.values(), strict=True))


def test_stems_stay_where_they_can():
    assert unique_stems([Path("a.jpg"), Path("b.png")]) == ["a", "b"]
    assert unique_stems([Path("a.jpg"), Path("a.png"), Path("b.png")]) == ["a_jpg", "a_png", "b"]
    assert unique_stems([Path("/x/a.jpg"), Path("/y/a.jpg")]) == ["x_a_jpg", "y_a_jpg"]
    assert unique_stems([Path("/p/x/a.jpg"), Path("/q/x/a.jpg")]) == ["x_a_jpg", "x_a_jpg_2"]


piece = st.text("aA_2jpg", min_size=1, max_size=4)


@given(st.lists(st.builds(lambda d, s, e: Path(f"/{d}/{s}.{e}"), piece, piece, st.sampled_from(["jpg", "JPG", "png"]))))
def test_no_two_images_share_a_stem(images):
    stems = [stem.casefold() for stem in unique_stems(images)]
    assert len(set(stems)) == len(images)


def test_an_input_image_is_never_a_result(tmp_path):
    check_not_inputs([tmp_path / "b.png"], [tmp_path / "a.png"])
    with pytest.raises(InputError, match=r"a\.png: is one of the inputs and would be overwritten"):
        check_not_inputs([tmp_path / "b.png", tmp_path / "sub" / ".." / "a.png"], [tmp_path / "a.png"])


def test_looking_for_images_does_not_import_torch():
    assert not {"torch", "numpy", "mmengine"} & run_and_list_imports("-c", "import depthkit.utils.image_files")[1]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (".", True), ("sub/..", True), ("*.png", True), ("**/*.png", True), ("a_*", True), ("*", True),
        ("./*.png", True),
        ("sub", False), ("*.jpg", False), ("sub/*.png", False), ("a.png", False), ("b*.png", False),
        ("missing.png", False),
    ],
)  # fmt: skip
def test_results_are_never_among_the_images_of_the_next_time(tmp_path, monkeypatch, pattern, found):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.png").touch()
    for result in (Path("a_colored.png"), tmp_path / "a_colored.png"):
        with pytest.raises(InputError, match="another --out") if found else nullcontext():
            check_not_found_again([pattern], [result])
    check_not_found_again([pattern], [tmp_path / "a_depth.npy"])


@given(
    st.lists(st.sampled_from(["a", "b", "ab"]), max_size=4),
    st.lists(st.sampled_from(["a", "*", "**", "?b"]), max_size=4),
)
def test_a_glob_matches_what_it_finds(names, pattern):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, *names, "x.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        whole = os.path.join(folder, *pattern, "x.png")
        if not os.path.exists(whole):
            expected = str(path) in glob.glob(whole, recursive=True)
            with pytest.raises(InputError) if expected else nullcontext():
                check_not_found_again([whole], [path])
