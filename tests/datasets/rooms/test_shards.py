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


def test_an_interrupted_room_is_made_again(tmp_path, monkeypatch):
    """A process that is killed while it writes leaves a record without its mark."""
    rooms = Rooms(2, SIZE, cache=tmp_path)
    original = RoomGenerator.read
    monkeypatch.setattr(RoomGenerator, "read", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        rooms[1]
    monkeypatch.setattr(RoomGenerator, "read", original)
    assert same(rooms[1], Rooms(2, SIZE)[1])


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
