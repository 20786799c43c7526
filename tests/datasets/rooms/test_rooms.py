import numpy as np
import pytest

from depthkit.datasets import Rooms
from depthkit.datasets.rooms.dataset import room_intrinsics
from depthkit.datasets.rooms.furniture import Box
from depthkit.datasets.rooms.rendering import camera_rays, cast
from depthkit.datasets.rooms.scene import Scene, camera_rotation, random_scene
from depthkit.datasets.rooms.textures import Material
from depthkit.errors import InputError
from depthkit.utils.camera import NYU_INTRINSICS, pinhole

GREY = Material("paint", np.full(3, 0.5), np.full(3, 0.5), 0)


def scene_of(boxes, eye=(2.0, 1.0, 0.5), yaw=0.0, pitch=0.0, roll=0.0):
    size = np.array([4.0, 3.0, 6.0])
    rotation = camera_rotation(yaw, pitch, roll)
    return Scene(size, (GREY, GREY, GREY), boxes, [], np.ones(3), np.array(eye), rotation)


def cast_depth(scene, shape=(48, 64)):
    camera = pinhole(40.0, 40.0, (shape[1] - 1) / 2, (shape[0] - 1) / 2)
    return cast(scene, camera_rays(camera, shape, scene.rotation), camera)


def test_the_same_index_gives_the_same_bits():
    first, second = Rooms(5, (48, 64), seed=3), Rooms(9, (48, 64), seed=3)
    for index in (0, 4, 2):
        np.testing.assert_array_equal(first[index]["img"], second[index]["img"])
        np.testing.assert_array_equal(first[index]["gt_depth_map"], second[index]["gt_depth_map"])
    other = Rooms(5, (48, 64), seed=4)[0]
    assert (other["gt_depth_map"] != first[0]["gt_depth_map"]).mean() > 0.9
    assert (first[1]["gt_depth_map"] != first[0]["gt_depth_map"]).mean() > 0.9


def test_samples_are_whole():
    rooms = Rooms(20, (60, 80))
    for index in range(20):
        sample = rooms[index]
        assert sample["img"].shape == (60, 80, 3)
        assert sample["img"].dtype == np.uint8
        assert sample["gt_depth_map"].dtype == np.float32
        assert sample["gt_depth_map"].min() > 0.2
        assert sample["gt_depth_map"].max() < 10.0
        assert 25 < sample["img"].mean() < 235
        assert sample["img"].std() > 8


def test_the_camera_is_nyus():
    np.testing.assert_allclose(room_intrinsics((480, 640)), NYU_INTRINSICS)
    half = room_intrinsics((240, 320))
    np.testing.assert_allclose(half[:2, :2], NYU_INTRINSICS[:2, :2] / 2)
    np.testing.assert_allclose(half[:2, 2], (NYU_INTRINSICS[:2, 2] - 0.5) / 2)
    square = room_intrinsics((240, 240))
    np.testing.assert_allclose(square[0, 2], half[0, 2] - 40)
    np.testing.assert_allclose(square[1], half[1])


def test_depth_of_walls_by_hand():
    """Looking straight at the far wall, 5.5 m away: depth is along the axis, so the wall's is one number."""
    depth, ids = cast_depth(scene_of([]))
    np.testing.assert_allclose(depth[20:28, 24:40], 5.5, rtol=1e-6)
    assert (ids == -1).all()
    # The floor is 1 m below: row r sees it at depth 40 / (r - 23.5), where that is nearer than the wall.
    np.testing.assert_allclose(depth[47, 32], 40 / 23.5, rtol=1e-6)
    # The left wall is 2 m away.
    np.testing.assert_allclose(depth[24, 0], 2 * 40 / 31.5, rtol=1e-6)


def test_depth_of_a_turned_box_by_hand():
    """A cube of 1 m turned by 45 degrees shows its edge: half a diagonal before its middle."""
    cube = Box(np.array([2.0, 1.0, 3.5]), np.full(3, 0.5), np.pi / 4, GREY)
    depth, ids = cast_depth(scene_of([cube]), shape=(49, 65))
    assert ids[24, 32] == 0
    assert depth[24, 32] == pytest.approx(3.0 - np.sqrt(0.5), rel=1e-5)
    assert depth[24, 0] == pytest.approx(2 * 40 / 32, rel=1e-5)


def test_looking_up_turns_the_image_the_right_way():
    right, down, forward = camera_rotation(0.0, 0.0, 0.0).T
    np.testing.assert_allclose([right, down, forward], [[1, 0, 0], [0, -1, 0], [0, 0, 1]], atol=1e-12)
    assert camera_rotation(0.0, 0.3, 0.0)[1, 2] > 0
    assert camera_rotation(0.3, 0.0, 0.0)[0, 2] > 0
    turned = camera_rotation(0.4, -0.3, 0.2)
    np.testing.assert_allclose(turned.T @ turned, np.eye(3), atol=1e-12)


def is_blocked(scene, points, margin):
    """Which points (P, 3) lie outside the room, or in a box that is `margin` larger on all sides."""
    blocked = ((points < margin) | (points > scene.size - margin)).any(axis=1)
    for box in scene.boxes:
        cosine, sine = np.cos(box.yaw), np.sin(box.yaw)
        local = (points - box.center) @ np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
        blocked |= (np.abs(local) < box.half + margin).all(axis=1)
    return blocked


@pytest.mark.parametrize("seed", range(4))
def test_each_ray_is_free_until_its_depth_and_ends_on_a_surface(seed):
    """Walking along rays in steps of 4 mm, with another way to tell what is inside a box."""
    scene = random_scene(np.random.default_rng(seed))
    shape = (9, 12)
    camera = room_intrinsics(shape)
    rays = camera_rays(camera, shape, scene.rotation)
    depth, _ = cast(scene, rays, camera)
    for row in range(0, 9, 2):
        for column in range(0, 12, 3):
            ray, end = rays[:, row, column].astype(float), float(depth[row, column])
            on_the_way = scene.eye + np.arange(0, end, 0.004)[:, None] * ray
            assert not is_blocked(scene, on_the_way, margin=-1e-4).any()
            assert is_blocked(scene, (scene.eye + end * ray)[None], margin=1e-4).all()


def test_senseless_options_are_told():
    for options in (
        {"length": 0},
        {"length": 3, "size": (0, 5)},
        {"length": 3, "size": "(32,)"},
        {"length": 3, "seed": -1},
    ):
        with pytest.raises(InputError):
            Rooms(**options)
