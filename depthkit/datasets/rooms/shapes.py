"""Where rays meet a box, or the round body inscribed in it, in the frame of that box."""

from typing import Literal

import numpy as np

Shape = Literal["box", "cylinder", "ball"]
TINY = 1e-9  # instead of a direction's zero, so that slabs divide
_MISS = np.float32(np.inf)


def cross(shape: Shape, origin: np.ndarray, directions: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where rays enter and leave a body.

    Args:
        shape: the box itself, the upright elliptic cylinder, or the ellipsoid inscribed in it.
        origin: of the rays, (3,) or (3, ...) [m].
        directions: of the rays (3, ...).
        half: half of the size of the box around 0 (3,) [m].

    Returns:
        Two arrays (...) in units of the rays' lengths; entry >= exit where a ray misses.
    """
    if shape == "box":
        return _slabs(origin, directions, half, axes=(0, 1, 2))
    axes = (0, 2) if shape == "cylinder" else (0, 1, 2)
    near, far = _quadric(origin, directions, half, axes)
    if shape == "ball":
        return near, far
    bottom, top = _slabs(origin, directions, half, axes=(1,))
    return np.maximum(near, bottom), np.minimum(far, top)


def _slabs(
    origin: np.ndarray, directions: np.ndarray, half: np.ndarray, axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where rays enter and leave the space between the faces at right angles to `axes`."""
    near = far = None
    for axis in axes:
        inverse = 1 / np.where(np.abs(directions[axis]) < TINY, np.float32(TINY), directions[axis])
        middle = -origin[axis] * inverse
        reach = np.abs(inverse) * np.float32(half[axis])
        enter, leave = middle - reach, middle + reach
        near = enter if near is None else np.maximum(near, enter)
        far = leave if far is None else np.minimum(far, leave)
    return near, far


def _quadric(
    origin: np.ndarray, directions: np.ndarray, half: np.ndarray, axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where rays enter and leave the ellipse or ellipsoid that `axes` span."""
    a = b = c = 0
    for axis in axes:
        o, d = origin[axis] / np.float32(half[axis]), directions[axis] / np.float32(half[axis])
        a, b, c = a + d * d, b + o * d, c + o * o
    a = np.maximum(a, np.float32(TINY))
    square = b * b - a * (c - 1)
    root = np.sqrt(np.maximum(square, 0))
    missed = square <= 0
    return np.where(missed, _MISS, (-b - root) / a), np.where(missed, -_MISS, (-b + root) / a)


def round_surface(shape: Shape, local: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Describe points on a cylinder or ball.

    Args:
        shape: which of the two.
        local: points (3, P) [m] in the frame of the body.
        half: half of its size (3,) [m].

    Returns:
        Outward normals (3, P), and the distances u to the right and v upwards (P,) [m] on the unrolled surface; on the
        flat ends of a cylinder u and v are x and z.
    """
    x, y, z = local
    normals = local / (half * half).astype(np.float32)[:, None]
    u = np.arctan2(x / np.float32(half[0]), z / np.float32(half[2])) * np.float32(half[[0, 2]].mean())
    v = y + np.float32(half[1])
    if shape == "cylinder":
        radius = np.hypot(x / np.float32(half[0]), z / np.float32(half[2]))
        flat = np.abs(y) - half[1] > (radius - 1) * half[[0, 2]].min()
        normals[1] = 0
        normals = np.where(flat, np.stack([0 * y, np.sign(y), 0 * y]), normals)
        u, v = np.where(flat, x + np.float32(half[0]), u), np.where(flat, z + np.float32(half[2]), v)
    return (normals / np.linalg.norm(normals, axis=0)).astype(np.float32), u, v
