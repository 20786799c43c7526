import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.datasets.rooms.shapes import cross, round_surface

HALF = np.array([0.3, 0.5, 0.2])
INSIDE = {
    "box": lambda p: (np.abs(p) < HALF).all(axis=-1),
    "cylinder": lambda p: (np.hypot(p[..., 0] / HALF[0], p[..., 2] / HALF[2]) < 1) & (np.abs(p[..., 1]) < HALF[1]),
    "ball": lambda p: ((p / HALF) ** 2).sum(axis=-1) < 1,
}
Coordinate = st.floats(-1, 1, width=32)


@pytest.mark.parametrize("shape", INSIDE)
@given(start=st.tuples(Coordinate, Coordinate), aim=st.tuples(Coordinate, Coordinate, Coordinate))
def test_a_ray_is_inside_exactly_between_entry_and_exit(shape, start, aim):
    """Against a plain test of points along the ray."""
    origin = np.array([*start, -2.0])
    direction = np.array(aim) * 0.4 - origin + 0.0123
    near, far = (float(value) for value in cross(shape, origin, direction.astype(np.float32), HALF))
    places = np.linspace(0, 2, 401)
    clear = (np.abs(places - near) > 1e-3) & (np.abs(places - far) > 1e-3)
    points = origin + places[:, None] * direction
    np.testing.assert_array_equal(INSIDE[shape](points)[clear], ((places > near) & (places < far))[clear])


@pytest.mark.parametrize("shape", ["cylinder", "ball"])
def test_normals_point_outwards_at_right_angles_to_the_surface(shape):
    rng = np.random.default_rng(0)
    origin = rng.normal(0, 1, (3, 500))
    origin *= 3 / np.linalg.norm(origin, axis=0)
    directions = (-origin + rng.uniform(-0.2, 0.2, origin.shape)).astype(np.float32)
    near, far = cross(shape, origin, directions, HALF)
    points = (origin + near * directions)[:, near < far].astype(np.float32)
    assert points.shape[1] > 250
    normals, u, v = round_surface(shape, points, HALF)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=0), 1, rtol=1e-5)
    assert not INSIDE[shape]((points + 1e-3 * normals).T).any()
    assert INSIDE[shape]((points - 1e-3 * normals).T).all()
    assert np.isfinite([u, v]).all()
