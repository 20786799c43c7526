import os

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.utils.output_file import atomic_path, check_file_name, check_output_file, shorten, stream_to
from helpers import run_python


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("name", ["x" * 251 + ".png", "ü" * 125 + ".png", "a." + "x" * 253, "x"])
def test_a_temporary_file_fits_where_the_final_one_does(tmp_path, name):
    with atomic_path(tmp_path / name) as temporary:
        temporary.write_text("all")
        assert len(os.fsencode(temporary.name)) <= 255
    assert os.listdir(tmp_path) == [name]


def test_the_temporary_file_has_the_suffix_that_writers_look_at(tmp_path):
    with atomic_path(tmp_path / "depth.onnx") as temporary:
        assert temporary.suffix == ".onnx" and temporary.parent == tmp_path
        temporary.touch()


def test_a_name_that_is_too_long_is_found_before_the_work(tmp_path):
    with pytest.raises(InputError, match="takes 256 bytes, and the file system 255 at most"):
        check_file_name(tmp_path / ("ü" * 126 + ".png"))
    with pytest.raises(InputError, match="4095 at most"):
        check_file_name("/".join(["a" * 200] * 21))


def test_a_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/null", tmp_path / "pipe"):
        with pytest.raises(InputError, match="is a device or a pipe"), atomic_path(path) as temporary:
            temporary.touch()
    with pytest.raises(InputError, match="is a folder; give the name of a file"):
        check_output_file(tmp_path)


def test_the_folder_of_a_result_is_made(tmp_path):
    check_output_file(tmp_path / "a" / "b" / "c.json")
    assert os.listdir(tmp_path / "a" / "b") == []


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 20))
def test_a_shortened_name_is_the_beginning_and_takes_no_more(name, most):
    short = shorten(name, most)
    assert name.startswith(short) and len(short.encode()) <= most
    assert short == name or len(short.encode()) > most - 4


LIMITED = """
import resource, signal, torch
from depthkit.errors import InputError
from depthkit.utils.output_file import atomic_path, stream_to
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
def plain(path):
    torch.save({"a": torch.zeros(100_000)}, path)
def streamed(path):
    with stream_to(path) as file:
        torch.save({"a": torch.zeros(100_000)}, file)
for write in (plain, streamed):
    try:
        with atomic_path("a.pth") as temporary:
            write(temporary)
    except InputError as error:
        print(error)
"""


def test_a_disk_that_is_full_is_told_whatever_the_writer_makes_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run_python("-c", LIMITED)
    assert done.stdout.splitlines() == 2 * [
        "a.pth: cannot be written (File too large); free some space or choose an output folder that exists and can be "
        "written to"
    ], done.stderr
    assert os.listdir(tmp_path) == []


def test_what_is_streamed_is_what_torch_writes(tmp_path):
    with stream_to(tmp_path / "a.pth") as file:
        torch.save({"a": torch.arange(3)}, file)
    assert torch.load(tmp_path / "a.pth")["a"].tolist() == [0, 1, 2]
