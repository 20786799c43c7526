"""Depth maps as point clouds and as meshes."""

import math
from typing import NamedTuple

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.color_range import is_valid

_STEEPEST = 1 / math.tan(math.radians(6))  # change of depth, in depths, per radian that the ray turns
_MESH_SIDE = 640  # [px]; every program can show 300 000 vertices
# Points of a relative result beyond this many times the median distance are left out: sky is infinitely far.
_FARTHEST = 20


class Mesh(NamedTuple):
    """A surface with the image on it.

    Attributes:
        vertices: float32 (N, 3), x right, y down, z forward.
        faces: three vertices of each triangle, int64 (M, 3), anticlockwise for the camera.
        uv: where each vertex is in the image, as fractions of its width from the left and its height from above,
            float32 (N, 2).
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray


def depth_to_points(
    depth: np.ndarray, intrinsics: np.ndarray, image: np.ndarray, remove_flying_pixels: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Back-project every pixel that has depth, with a pinhole camera.

    Args:
        depth: distance along the optical axis [m], (H, W); NaN, infinite, 0 and negative are left out.
        intrinsics: camera matrix (3, 3) [px] of this image: ``[[fx, 0, cx], [0, fy, cy], [0, 0, 1]]``, pixel centres at
            whole numbers, the first at 0.
        image: uint8 RGB (H, W, 3).
        remove_flying_pixels: leave out `flying_pixels`.

    Returns:
        Points, float32 (N, 3) [m], row by row: x right, y down, z forward; and their colours, uint8 RGB (N, 3).

    Raises:
        InputError: image and depth differ in size, or the camera matrix has another form.
    """
    depth, intrinsics = _check(depth, intrinsics, image)
    kept = is_valid(depth)
    if remove_flying_pixels:
        kept &= ~flying_pixels(depth, intrinsics)
    rows, columns = np.nonzero(kept)
    z = depth[kept].astype(np.float64)
    x = (columns - intrinsics[0, 2]) * z / intrinsics[0, 0]
    y = (rows - intrinsics[1, 2]) * z / intrinsics[1, 1]
    return np.stack([x, y, z], axis=1).astype(np.float32), image[kept]


def depth_to_mesh(
    depth: np.ndarray, intrinsics: np.ndarray, image: np.ndarray, remove_flying_pixels: bool = False
) -> Mesh:
    """Connect the points of neighbouring pixels by triangles.

    Of a large map every N-th row and column is taken, 640 at most. The arguments and errors are those of
    `depth_to_points`. Without flying pixels there is no triangle that the ray of
    the camera meets at less than 6 degrees: the surface has gaps at the edges of depth, where it would connect what is
    not connected.
    """
    depth, intrinsics = _check(depth, intrinsics, image)
    height, width = depth.shape
    every = math.ceil(max(height, width) / _MESH_SIDE)
    rows, columns = _every(height, every), _every(width, every)
    depth = depth[np.ix_(rows, columns)]
    kept = is_valid(depth)
    z = np.where(kept, depth, 0).astype(np.float64)
    x = (columns - intrinsics[0, 2]) * z / intrinsics[0, 0]
    y = (rows[:, None] - intrinsics[1, 2]) * z / intrinsics[1, 1]
    uv = np.stack(np.broadcast_arrays((columns + 0.5) / width, (rows[:, None] + 0.5) / height), axis=-1)
    vertices, uv = np.stack([x, y, z], axis=-1).reshape(-1, 3), uv.reshape(-1, 2)

    index = np.arange(depth.size).reshape(depth.shape)
    corners = index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:]  # of the squares between pixels
    a, b, c, d = (corner.ravel() for corner in corners)
    faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([c, b, d], axis=1)])
    faces = faces[kept.ravel()[faces].all(axis=1)]
    if remove_flying_pixels:
        at = z.ravel()[faces]
        near = at.min(axis=1)
        focal = min(intrinsics[0, 0], intrinsics[1, 1]) / every
        faces = faces[(at.max(axis=1) - near) * focal <= _STEEPEST * near]
    used, faces = np.unique(faces, return_inverse=True)
    return Mesh(vertices[used].astype(np.float32), faces.reshape(-1, 3), uv[used].astype(np.float32))


def flying_pixels(depth: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Return which pixels lie between two surfaces, at an edge of depth: boolean (H, W).

    A network's map is smooth, so it has a slope where there is a jump, and its points fly between the surfaces. A
    pixel is on such a slope where the ray of the camera meets the surface at less than 6 degrees, towards the
    neighbours on both sides of it, in its row or its column. A level floor is seen so flatly only where it is 9.5 times
    as far away as the camera is high.

    Args:
        depth: [m] (H, W).
        intrinsics: camera matrix (3, 3) [px].
    """
    depth = np.where(is_valid(depth), depth, np.nan).astype(np.float32)
    flying = np.zeros(depth.shape, bool)
    for along, marked, focal in ((depth, flying, intrinsics[0, 0]), (depth.T, flying.T, intrinsics[1, 1])):
        before, after = along[:, :-1], along[:, 1:]
        steep = np.abs(after - before) * np.float32(focal) > _STEEPEST * np.fmin(before, after)
        marked[:, 1:-1] |= steep[:, :-1] & steep[:, 1:]
    return flying


def relative_distance(disparity: np.ndarray) -> np.ndarray:
    """Return the distance (H, W) that disparities give if their shift is 0, in units of the median.

    0 where the disparity is not positive, or the distance is more than 20 times the median.
    """
    known = np.where(np.isfinite(disparity) & (disparity > 0), disparity, 0)
    median = np.median(known[known > 0]) if known.any() else 1
    return np.divide(median, known, out=np.zeros(known.shape, np.float32), where=known * _FARTHEST >= median)


def _check(depth: np.ndarray, intrinsics: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    depth, intrinsics = np.asarray(depth), np.asarray(intrinsics, dtype=np.float64)
    if depth.ndim != 2 or image.shape != (*depth.shape, 3):
        raise InputError(f"depth {depth.shape} and image {image.shape}: expected (H, W) and (H, W, 3) of one size")
    if intrinsics.shape != (3, 3) or not (intrinsics[0, 0] > 0 and intrinsics[1, 1] > 0):
        raise InputError("intrinsics: expected a camera matrix (3, 3) [px] with positive focal lengths")
    return depth, intrinsics


def _every(count: int, step: int) -> np.ndarray:
    """Return every `step`-th number below `count`, and the last one."""
    return np.unique(np.append(np.arange(0, count, step), count - 1))
