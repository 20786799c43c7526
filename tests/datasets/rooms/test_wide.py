import cv2
import numpy as np
import pytest

from depthkit.datasets import Rooms
from depthkit.datasets.rooms import dataset
from depthkit.datasets.rooms.clutter import ON_FLOORS, ON_TOPS
from depthkit.datasets.rooms.dataset import read_textures
from depthkit.datasets.rooms.furniture import to_local
from depthkit.datasets.rooms.patterns import PATTERNS
from depthkit.datasets.rooms.textures import Material, Surface
from depthkit.errors import InputError

SIZE = (36, 48)


@pytest.fixture(scope="module")
def rooms():
    return [Rooms(16, SIZE, variety="wide")[index] for index in range(16)]


def test_rooms_are_whole_and_of_many_kinds(rooms):
    for sample in rooms:
        assert sample["img"].shape == (*SIZE, 3) and sample["img"].dtype == np.uint8
        assert sample["gt_depth_map"].dtype == np.float32
        assert sample["gt_depth_map"].min() > 0.05 and sample["gt_depth_map"].max() < 12.5
    middles = [np.median(sample["gt_depth_map"]) for sample in rooms]
    assert max(middles) > 3 * min(middles)
    focal = [sample["intrinsics"][0, 0] for sample in rooms]
    assert max(focal) > 1.3 * min(focal)
    np.testing.assert_allclose([sample["intrinsics"][1, 1] for sample in rooms], focal)


def test_the_same_index_gives_the_same_room_again(rooms):
    again = Rooms(3, SIZE, variety="wide")[2]
    for key in ("img", "gt_depth_map", "intrinsics"):
        np.testing.assert_array_equal(again[key], rooms[2][key])


def test_each_depth_lies_on_a_surface(monkeypatch):
    """The end of every ray is on the room's walls or on one of the bodies in it, by plain formulas."""
    scenes = []
    real = dataset.render
    monkeypatch.setattr(dataset, "render", lambda scene, *rest: (scenes.append(scene), real(scene, *rest))[1])
    for index in range(3):
        sample = Rooms(3, SIZE, seed=5, variety="wide")[index]
        scene = scenes[index]
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        pixels = np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
        rays = scene.rotation @ np.linalg.inv(sample["intrinsics"]) @ pixels
        points = scene.eye[:, None] + rays * sample["gt_depth_map"].reshape(-1)
        gap = np.minimum(np.abs(points), np.abs(points - scene.size[:, None])).min(axis=0)
        for body in scene.boxes:
            local = np.abs(to_local(points - body.center[:, None], body.yaw)) / body.half[:, None]
            level = {
                "box": local.max(axis=0),
                "ball": np.linalg.norm(local, axis=0),
                "cylinder": np.maximum(np.hypot(local[0], local[2]), local[1]),
            }[body.shape]
            gap = np.minimum(gap, np.abs(level - 1) * body.half.min())
        assert gap.max() < 1e-3


@pytest.mark.parametrize("thing", dict.fromkeys(ON_TOPS + ON_FLOORS), ids=lambda thing: thing.__name__)
def test_things_stand_on_the_ground(thing):
    for seed in range(5):
        bodies = thing(np.random.default_rng(seed), [])
        bottoms = [body.center[1] - body.half[1] for body in bodies]
        assert min(bottoms) == pytest.approx(0, abs=1e-9)
        assert all((body.half > 0).all() and body.material.pattern in PATTERNS for body in bodies)


def test_an_image_on_a_poster_is_upright_and_a_large_wall_repeats_it():
    pixels = np.zeros((4, 6, 3), np.float32)
    pixels[0, :, 0] = 1  # a red top row
    pixels[:, 0, 2] = 1  # a blue left column
    material = Material("image", np.zeros(3), np.zeros(3), 0, image=pixels)
    u, v = np.array([0.59, 0.01, 0.59]), np.array([0.39, 0.01, 0.01])
    poster = PATTERNS["image"](Surface(u, v, 0.6, 0.4, np.full(3, 1e-4), material))
    np.testing.assert_allclose(poster, [[1, 0, 0], [0, 0, 1], [0, 0, 0]], atol=1e-6)
    u = np.linspace(0.01, 3.9, 40)
    wall = PATTERNS["image"](Surface(u, np.full(40, 0.1), 4.0, 2.5, np.full(40, 1e-4), material))
    assert 3 <= (np.diff(wall[:, 2]) != 0).sum() <= 6


def test_textures_are_read_by_folder(tmp_path):
    for name, side in (("a/1.png", 300), ("a/2.jpg", 40), ("b/1.png", 20)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.full((side, 2 * side, 3), 255, np.uint8))
    folders = read_textures([str(tmp_path / "*" / "*")])
    assert [[image.shape for image in folder] for folder in folders] == [[(128, 256, 3), (40, 80, 3)], [(20, 40, 3)]]
    assert all(image.min() > 0.99 and image.max() <= 1 for folder in folders for image in folder)
    plain, textured = (Rooms(1, SIZE, variety="wide", textures=t)[0] for t in ([], [str(tmp_path / "a")]))
    np.testing.assert_array_equal(plain["intrinsics"], textured["intrinsics"])
    nowhere = tmp_path / "nowhere"
    with pytest.raises(InputError, match=f"^textures: {nowhere}: no such file or folder$"):
        Rooms(1, SIZE, variety="wide", textures=[str(nowhere)])
    with pytest.raises(InputError, match="^textures: the variety demo has no surfaces for them"):
        Rooms(1, SIZE, textures=[str(tmp_path / "a")])
