"""Point clouds: pinhole back-projection in metres."""

import numpy as np
import pytest

from depthkit.errors import InputError
from depthkit.visualization import depth_to_points

CAMERA = np.array([[500.0, 0, 31.5], [0, 400.0, 23.5], [0, 0, 1]])


def test_projecting_the_points_gives_the_pixels_back():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 9, (48, 64)).astype(np.float32)
    image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    points, colors = depth_to_points(depth, CAMERA, image)
    assert points.shape == (48 * 64, 3) and points.dtype == np.float32
    u, v, w = (points.astype(float) @ CAMERA.T).T
    columns, rows = np.meshgrid(np.arange(64), np.arange(48))
    np.testing.assert_allclose(u / w, columns.ravel(), atol=1e-3)
    np.testing.assert_allclose(v / w, rows.ravel(), atol=1e-3)
    np.testing.assert_array_equal(points[:, 2], depth.ravel())
    np.testing.assert_array_equal(colors, image.reshape(-1, 3))


def test_by_hand_x_right_y_down_z_forward():
    depth = np.zeros((48, 64))
    depth[40, 60] = 2.0
    points, colors = depth_to_points(depth, CAMERA, np.full((48, 64, 3), 7, np.uint8))
    np.testing.assert_allclose(points, [[28.5 * 2 / 500, 16.5 * 2 / 400, 2]], rtol=1e-6)
    assert colors.tolist() == [[7, 7, 7]]


def test_pixels_without_depth_are_left_out():
    depth = np.array([[np.nan, np.inf, 0, -1, 3.0]])
    points, colors = depth_to_points(depth, CAMERA, np.zeros((1, 5, 3), np.uint8))
    assert points.shape == colors.shape == (1, 3)


def test_bad_input():
    image = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(InputError, match="of one size"):
        depth_to_points(np.ones((4, 5)), CAMERA, image)
    with pytest.raises(InputError, match="positive focal"):
        depth_to_points(np.ones((4, 4)), -CAMERA, image)
