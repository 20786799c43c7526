import contextlib
import errno
import io
import os

import cv2
import numpy as np
import pytest

from depthkit.datasets import Rooms
from depthkit.datasets.rooms import shards
from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.errors import InputError

SIZE = (24, 32)


def same(first, second):
    return all(np.array_equal(first[key], second[key]) for key in ("img", "gt_depth_map", "intrinsics"))


def test_a_kept_room_is_the_same_as_a_new_one_and_is_not_made_again(tmp_path, monkeypatch):
    fresh = [Rooms(3, SIZE, seed=2)[index] for index in range(3)]
    kept = Rooms(3, SIZE, seed=2, cache=tmp_path / "new" / "rooms")
    assert all(same(kept[index], fresh[index]) for index in range(3))
    monkeypatch.setattr(RoomGenerator, "read", lambda *_: pytest.fail("made again"))
    again = Rooms(3, SIZE, seed=2, cache=tmp_path / "new" / "rooms")
    assert all(same(again[index], fresh[index]) for index in range(3))
    assert again[1]["img_path"] == fresh[1]["img_path"]


def test_an_interrupted_room_is_made_again(tmp_path):
    """A process that is killed while it writes leaves a part of the record, without its mark."""
    rooms = Rooms(2, SIZE, cache=tmp_path)
    expected = rooms[1]
    shard = np.lib.format.open_memmap(tmp_path / "rooms_0000.npy", mode="r+")
    assert list(shard["complete"][:3]) == [0, 1, 0]
    shard[1]["complete"] = 0
    shard[1]["image"][10:] = 0
    shard[1]["depth"] = 0
    shard.flush()
    assert same(rooms[1], expected) and same(expected, Rooms(2, SIZE)[1])
    assert shard[1]["complete"] and np.array_equal(shard[1]["image"], expected["img"])


def test_a_room_that_no_more_fits_is_one_sentence_and_made_later(tmp_path):
    """A limit of the size of files stands for the full disk."""
    rooms = Rooms(2, SIZE, cache=tmp_path)
    expected = rooms[0]
    record = SIZE[0] * SIZE[1] * 7 + 73
    header = (tmp_path / "rooms_0000.npy").stat().st_size - shards.ROOMS_PER_SHARD * record
    with (
        largest_file(header + record + 100),
        pytest.raises(InputError, match="rooms_0000.npy: cannot keep rooms there"),
    ):
        rooms[1]
    kept = np.load(tmp_path / "rooms_0000.npy", mmap_mode="r")
    assert list(kept["complete"][:2]) == [1, 0]
    assert same(rooms[0], expected) and same(rooms[1], Rooms(2, SIZE)[1])


def test_no_part_of_a_file_is_left_on_a_full_disk(tmp_path):
    rooms = Rooms(2, SIZE, cache=tmp_path)
    with largest_file(1000), pytest.raises(InputError, match="cannot keep rooms there .*; free some space"):
        rooms[0]
    assert [path.name for path in tmp_path.iterdir()] == ["rooms.json"]


@contextlib.contextmanager
def largest_file(size):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_longer_data_set_of_several_shards_takes_over_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "ROOMS_PER_SHARD", 2)
    first = Rooms(2, SIZE, cache=tmp_path)[1]
    longer = Rooms(5, SIZE, cache=tmp_path)
    assert same(longer[1], first)
    assert same(longer[4], Rooms(5, SIZE)[4])
    assert [path.name for path in sorted(tmp_path.glob("*.npy"))] == ["rooms_0000.npy", "rooms_0002.npy"]


def test_rooms_of_other_settings_are_told(tmp_path):
    Rooms(1, SIZE, seed=2, cache=tmp_path)
    with pytest.raises(InputError, match="give another cache folder, or delete this one"):
        Rooms(1, SIZE, seed=3, cache=tmp_path)


def test_other_textures_are_other_rooms(tmp_path):
    for name, value in (("one", 10), ("same", 10), ("other", 11)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), np.full((8, 9, 3), value, np.uint8))
    made = {name: str(tmp_path / name) for name in ("one", "same", "other")}
    Rooms(1, SIZE, variety="wide", textures=[made["one"]], cache=tmp_path / "rooms")
    Rooms(1, SIZE, variety="wide", textures=[made["same"]], cache=tmp_path / "rooms")  # moved, with the same pixels
    for others in ([made["other"]], [made["one"], made["same"]], []):
        with pytest.raises(InputError, match="rooms.json: the rooms there were made with"):
            Rooms(1, SIZE, variety="wide", textures=others, cache=tmp_path / "rooms")


def damaged_settings(folder):
    (folder / "rooms.json").write_bytes(b"\xff\xfe\x00")


def a_folder_for_settings(folder):
    (folder / "rooms.json").unlink()
    (folder / "rooms.json").mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damaged_settings, "rooms.json: the rooms there were made with"),
        (a_folder_for_settings, "rooms.json: cannot keep rooms there .Is a directory"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_folder_with_damaged_settings_is_one_sentence(tmp_path, damage, message):
    Rooms(1, SIZE, cache=tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=message):
        Rooms(1, SIZE, cache=tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "^cache='': expected the name of a folder"),
        ("file", "cannot keep rooms there .File exists"),
        ("file/below", "cannot keep rooms there .Not a directory"),
        ("x" * 300, "cannot be used as a path .File name too long"),
        ("nul\0", "cannot be used as a path .embedded null"),
        ("/proc/rooms", "cannot keep rooms there"),
    ],
)
def test_a_folder_that_cannot_be_is_one_sentence(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=message):
        Rooms(1, SIZE, cache=name)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "text", "folder"])
def test_a_damaged_shard_is_one_sentence(tmp_path, damage):
    rooms = Rooms(1, SIZE, cache=tmp_path)
    assert len(rooms[0]["img"]) == SIZE[0]
    path = tmp_path / "rooms_0000.npy"
    content = path.read_bytes()
    path.unlink()
    if damage == "other":
        np.save(path, np.zeros(5))
    elif damage == "folder":
        path.mkdir()
    else:
        path.write_bytes({"empty": b"", "cut": content[:5000], "text": b"no rooms"}[damage])
    with pytest.raises(InputError, match="rooms_0000.npy: (is damaged, or not of these rooms|cannot read rooms there)"):
        rooms[0]


def test_a_folder_that_is_deleted_meanwhile_is_one_sentence(tmp_path):
    rooms = Rooms(1, SIZE, cache=tmp_path / "rooms")
    (tmp_path / "rooms" / "rooms.json").unlink()
    (tmp_path / "rooms").rmdir()
    with pytest.raises(InputError, match="rooms_0000.npy: cannot keep rooms there .No such file or directory"):
        rooms[0]


def test_complete_rooms_are_read_from_a_read_only_folder(tmp_path, monkeypatch):
    rooms = Rooms(2, SIZE, cache=tmp_path)
    expected = rooms[0]
    refuse_writing(monkeypatch)
    again = Rooms(2, SIZE, cache=tmp_path)
    assert same(again[0], expected)
    with pytest.raises(InputError, match="rooms_0000.npy: cannot keep rooms there .Permission denied"):
        again[1]


def refuse_writing(monkeypatch):
    """Open files only for reading: rights do not bind the tests of root."""
    real = io.open

    def open_to_read(file, mode="r", *args, **kwargs):
        if set(mode) & set("wax+"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        return real(file, mode, *args, **kwargs)

    monkeypatch.setattr(io, "open", open_to_read)


def test_a_file_system_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    rooms = Rooms(1, SIZE, cache=tmp_path)
    assert same(rooms[0], Rooms(1, SIZE)[0])
    assert sorted(os.listdir(tmp_path)) == ["rooms.json", "rooms_0000.npy"]
