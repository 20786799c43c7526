"""Normals of depth maps: planes have theirs, edges do not smear, colours follow the convention."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.utils.camera import pinhole
from depthkit.visualization import colorize_normals, depth_to_normals
from depthkit.visualization.normals import normal_color_blocks
from depthkit.visualization.palette import INVALID_COLOR

CAMERA = pinhole(60.0, 55.0, 31.5, 23.5)


def plane(normal, distance, shape=(48, 64)):
    """Depth of the plane normal . point = -distance, which the camera looks at."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    rays = np.stack([(x - CAMERA[0, 2]) / CAMERA[0, 0], (y - CAMERA[1, 2]) / CAMERA[1, 1], np.ones(shape)], axis=-1)
    return -distance / (rays @ np.asarray(normal, float))


@given(tilt=st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)), distance=st.floats(0.2, 50))
def test_a_plane_has_its_normal_everywhere(tilt, distance):
    normal = np.array([*tilt, -1.0]) / np.linalg.norm([*tilt, 1.0])
    found = depth_to_normals(plane(normal, distance).astype(np.float32), CAMERA)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.broadcast_to(normal, found.shape), atol=2e-3)


def test_an_edge_of_depth_has_the_normals_of_both_sides():
    depth = np.full((48, 64), 2.0)
    depth[:, 30:] = 5.0
    np.testing.assert_allclose(depth_to_normals(depth, CAMERA), np.broadcast_to([0, 0, -1.0], (48, 64, 3)), atol=1e-6)


def test_without_depth_or_neighbours_there_is_no_normal():
    depth = np.full((5, 6), 2.0)
    depth[2, 3] = 0
    known = np.isfinite(depth_to_normals(depth, CAMERA)).all(axis=-1)
    assert not known[2, 3] and known.sum() == 29
    for shape in ((1, 1), (1, 5), (5, 1)):
        assert np.isnan(depth_to_normals(np.ones(shape), CAMERA)).all()


def test_red_is_right_green_is_up_blue_is_towards_the_camera():
    normals = np.array([[[0, 0, -1], [1, 0, 0], [0, -1, 0], [np.nan, 0, 0]]], np.float32)
    expected = [[128, 128, 255], [255, 128, 128], [128, 255, 128], INVALID_COLOR]
    assert colorize_normals(normals)[0].tolist() == [list(color) for color in expected]


@pytest.mark.parametrize("shape", [(900, 1300), (3, 3)])
def test_blocks_are_the_whole(shape):
    depth = np.random.default_rng(0).uniform(1, 3, shape)
    whole = colorize_normals(depth_to_normals(depth, CAMERA))
    np.testing.assert_array_equal(np.concatenate(list(normal_color_blocks(depth, CAMERA))), whole)
