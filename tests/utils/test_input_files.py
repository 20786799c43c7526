"""What is not a regular file is never opened, and what is too large is refused before memory is taken for it."""

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.utils.input_files import MAX_PIXELS, check_file, check_pixels, decoding, read_text


def put(path, what):
    if what == "FIFO":
        os.mkfifo(path)
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(str(path))
    elif what == "folder":
        path.mkdir()
    elif what == "empty":
        path.touch()
    elif what is not None:
        path.symlink_to({"device": "/dev/zero", "broken link": "nowhere", "loop": path.name}[what])


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (None, "no such file"),
        ("FIFO", "is not a regular file but a FIFO"),
        ("socket", "is not a regular file but a socket"),
        ("device", "is not a regular file but a device"),
        ("folder", "is a folder"),
        ("empty", "is empty"),
        ("broken link", "is a broken link"),
        ("loop", r"is not a file \(.*links\)"),
    ],
)
def test_what_is_not_a_file_with_content(tmp_path, monkeypatch, what, message):
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    path = tmp_path / "x.png"
    put(path.relative_to(tmp_path), what)
    for use in (check_file, read_text, lambda path, expected: decoding(path, expected).__enter__()):
        with pytest.raises(InputError, match=f"x.png'?: {message}; expected an image"):
            use(path, "an image")


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b"])
def test_names_that_no_file_can_have(name):
    with pytest.raises(InputError, match="is not a file .*; expected a list"):
        check_file(name, "a list")


def test_a_link_to_a_file_is_a_file(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\n")
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert read_text(tmp_path / "b.txt", "a list") == "one\n"


def test_a_text_of_gigabytes_is_not_read(tmp_path):
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match="a.txt: has 1048576 MiB, more than 64"):
        read_text(tmp_path / "a.txt", "a list")


@given(st.integers(1, 2**62), st.integers(1, 2**62), st.sampled_from([1, 2, 4, 8, 16]))
def test_sizes_are_bounded_in_pixels_and_in_bytes(height, width, item_bytes):
    fits = height * width <= MAX_PIXELS and height * width * item_bytes <= 4 * MAX_PIXELS
    if fits:
        check_pixels((height, width), item_bytes, "a.npy")
    else:
        with pytest.raises(InputError, match="^a.npy: has .* megapixels.* at most, so make it smaller$"):
            check_pixels((height, width), item_bytes, "a.npy")


@pytest.mark.parametrize("error", [OSError(5, "I/O"), ValueError("a  b"), RecursionError(), MemoryError(), KeyError(1)])
def test_errors_of_decoders_name_the_file(tmp_path, error):
    (tmp_path / "a.png").write_text("x")
    message = r"a\.png#3: is damaged \(.+\); expected an image, get or write it again"
    with pytest.raises(InputError, match=message), decoding(tmp_path / "a.png", "an image", "#3"):
        raise error
