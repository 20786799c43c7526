import cv2
import numpy as np
import pytest

from depthkit.datasets import make_sample
from depthkit.datasets.rooms.rendering import camera_rays, cast
from depthkit.datasets.rooms.scene import random_scene
from depthkit.datasets.transforms import CameraDefects, RandomTilt
from depthkit.errors import InputError
from depthkit.utils.camera import pinhole


def test_the_depth_is_that_of_a_turned_camera():
    """Against a room that is rendered again with the camera turned by the same rotation."""
    scene, shape = random_scene(np.random.default_rng(3)), (96, 128)
    camera = pinhole(110.0, 110.0, 65.0, 47.0)
    depth, _ = cast(scene, camera_rays(camera, shape, scene.rotation), camera)
    sample = make_sample(np.zeros((*shape, 3), np.uint8), "room", depth, camera)
    np.random.seed(4)
    tilted = RandomTilt(roll=6, tilt=6, prob=1.0).transform(dict(sample))
    np.random.seed(4)
    np.random.rand()
    turn, _ = cv2.Rodrigues(np.random.normal(0, 1, 3) * np.radians(6))
    expected, _ = cast(scene, camera_rays(camera, shape, scene.rotation @ turn.T), camera)
    seen = tilted["gt_depth_map"] > 0
    assert 0.6 < seen.mean() < 0.99
    error = np.abs(tilted["gt_depth_map"] / expected - 1)[seen]
    assert np.median(error) < 0.004  # half a pixel, from taking the nearest one
    assert (error < 0.02).mean() > 0.85  # the others lie beside edges
    assert tilted["intrinsics"] is camera
    np.testing.assert_array_equal(sample["gt_depth_map"], depth)


def test_what_is_nearly_beside_or_behind_the_old_camera_has_no_depth():
    camera = pinhole(20.0, 20.0, 31.5, 23.5)
    sample = make_sample(np.zeros((48, 64, 3), np.uint8), "wall", np.full((48, 64), 2.0, np.float32), camera)
    np.random.seed(0)
    seen = 0
    for _ in range(40):
        depth = RandomTilt(roll=45, tilt=45, prob=1.0).transform(dict(sample))["gt_depth_map"]
        assert depth.dtype == np.float32 and (depth >= 0).all() and depth.max() <= 10.0
        seen += (depth > 0).mean()
    assert seen > 4


def test_without_intrinsics_nothing_turns():
    sample = make_sample(np.zeros((8, 8, 3), np.uint8), "image", np.ones((8, 8), np.float32))
    assert RandomTilt(prob=1.0).transform(sample) is sample


@pytest.mark.parametrize("shape", [(48, 64, 3), (7, 5, 3), (1, 40, 3), (40, 1, 3), (1, 1, 3)])
def test_defects_keep_the_form_of_the_image_and_the_depth(shape):
    np.random.seed(0)
    image = np.random.randint(0, 256, shape).astype(np.uint8)
    depth = np.ones(shape[:2], np.float32)
    before = image.copy()
    changed = 0
    for _ in range(60):
        sample = CameraDefects(prob=0.7, grey=0.2).transform(make_sample(image, "image", depth))
        assert sample["img"].shape == shape and sample["img"].dtype == np.uint8
        assert sample["gt_depth_map"] is depth
        changed += not np.array_equal(sample["img"], image)
    assert changed > 40
    np.testing.assert_array_equal(image, before)
    assert CameraDefects(prob=0.0, grey=0.0).transform(make_sample(image, "image"))["img"] is image


def test_senseless_arguments_are_told():
    for wrong in (dict(roll=-1), dict(tilt=90), dict(prob=2)):
        with pytest.raises(InputError):
            RandomTilt(**wrong)
    with pytest.raises(InputError):
        CameraDefects(prob=-0.1)
