"""Point clouds: pinhole back-projection in metres."""

import numpy as np
import pytest

from depthkit.errors import InputError
from depthkit.utils.camera import pinhole
from depthkit.visualization import depth_to_mesh, depth_to_points, flying_pixels

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


def step(shape=(48, 64), near=1.0, far=3.0, slope=0):
    """A wall before another one, and a slope of some columns between them as of a network."""
    depth = np.full(shape, near)
    depth[:, 32 + slope :] = far
    depth[:, 32 : 32 + slope] = np.linspace(near, far, slope + 2)[1:-1]
    return depth


def test_pixels_between_two_surfaces_fly_and_those_of_the_surfaces_do_not():
    flying = flying_pixels(step(slope=3), CAMERA)
    assert flying[:, 32:35].all() and not flying[:, :32].any() and not flying[:, 35:].any()
    turned = flying_pixels(step(slope=3).T, np.array([[400.0, 0, 23.5], [0, 500.0, 31.5], [0, 0, 1]]))
    assert (turned == flying.T).all()
    assert not flying_pixels(step(slope=0), CAMERA).any(), "a sharp edge has no pixel between its surfaces"


def test_a_floor_does_not_fly():
    rows = np.arange(48) - 20
    depth = np.where(rows > 6, 1.5 * 60 / np.maximum(rows, 1), 0)[:, None].repeat(64, axis=1)
    camera = pinhole(60, 60, 31.5, 20)
    assert depth.max() > 12.8 and not flying_pixels(depth, camera).any()


def test_points_without_those_that_fly():
    image = np.zeros((48, 64, 3), np.uint8)
    points, _ = depth_to_points(step(slope=3), CAMERA, image, remove_flying_pixels=True)
    assert len(points) == 48 * 61 and set(np.unique(points[:, 2])) == {1, 3}


@pytest.mark.parametrize("slope", [0, 3])
def test_a_mesh_is_torn_at_the_edge_only_if_asked(slope):
    image = np.zeros((48, 64, 3), np.uint8)
    whole = depth_to_mesh(step(slope=slope), CAMERA, image)
    assert len(whole.faces) == 2 * 47 * 63 and len(whole.vertices) == 48 * 64
    torn = depth_to_mesh(step(slope=slope), CAMERA, image, remove_flying_pixels=True)
    assert len(torn.faces) == 2 * 47 * (62 - slope)
    spans = np.ptp(torn.vertices[torn.faces][..., 2], axis=1)
    assert (spans == 0).all() and set(np.unique(torn.vertices[:, 2])) == {1, 3}


def test_a_mesh_faces_the_camera_and_has_the_image_on_it():
    depth = np.random.default_rng(0).uniform(2, 2.1, (30, 40))
    mesh = depth_to_mesh(depth, CAMERA, np.zeros((30, 40, 3), np.uint8))
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(float), 1, 0)
    assert ((np.cross(b - a, c - a) * a).sum(axis=1) < 0).all(), "normals point to the camera"
    np.testing.assert_allclose(mesh.uv[[0, -1]], [[0.5 / 40, 0.5 / 30], [39.5 / 40, 29.5 / 30]])
    pixels = mesh.vertices.astype(float) @ CAMERA.T
    np.testing.assert_allclose(pixels[:, 0] / pixels[:, 2], mesh.uv[:, 0] * 40 - 0.5, atol=1e-4)
    np.testing.assert_allclose(pixels[:, 1] / pixels[:, 2], mesh.uv[:, 1] * 30 - 0.5, atol=1e-4)


def test_a_mesh_of_a_large_map_is_thinned_out_and_reaches_its_border():
    mesh = depth_to_mesh(np.ones((700, 1500)), CAMERA, np.zeros((700, 1500, 3), np.uint8))
    assert len(mesh.vertices) <= 640 * 640 and mesh.faces.max() == len(mesh.vertices) - 1
    np.testing.assert_allclose(mesh.uv.max(axis=0), [1499.5 / 1500, 699.5 / 700])


def test_what_has_no_depth_has_no_triangle():
    depth = np.ones((5, 6))
    depth[2, 3] = np.nan
    assert len(depth_to_mesh(depth, CAMERA, np.zeros((5, 6, 3), np.uint8)).faces) == 2 * 4 * 5 - 6
    assert [len(part) for part in depth_to_mesh(np.zeros((5, 6)), CAMERA, np.zeros((5, 6, 3), np.uint8))] == [0, 0, 0]
