"""Surface normals of depth maps, and their colours."""

from collections.abc import Iterator

import numpy as np

from depthkit.utils.png_file import row_blocks
from depthkit.visualization.color_range import is_valid
from depthkit.visualization.palette import INVALID_COLOR

_STEPS = 320  # along the longer side: finer differences show the pixels of the network's map, not the surface


def depth_to_normals(depth: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Return the normals of the surface that a depth map shows.

    They stand on the triangle of a pixel's point and those of one neighbour above or below and one to the left or
    right, some pixels away where the map is large (1/320 of the longer side). Of two neighbours that whose depth is
    nearer to the pixel's own is taken, so that a normal belongs to one surface, also beside an edge.

    Args:
        depth: distance along the optical axis [m], (H, W); NaN, infinite, 0 and negative have no normal.
        intrinsics: camera matrix (3, 3) [px] of this image.

    Returns:
        float32 (H, W, 3) of length 1, in the camera's axes right, down and forward, towards the camera: a wall that
        faces it has (0, 0, -1). NaN where there is no depth, or in one direction no neighbour with depth.
    """
    blocks = [normals for _, normals in _normal_blocks(np.asarray(depth), intrinsics)]
    return np.concatenate(blocks) if blocks else np.empty((*np.shape(depth), 3), np.float32)


def colorize_normals(normals: np.ndarray) -> np.ndarray:
    """Colour normals (H, W, 3), uint8 RGB: red is right, green is up, blue is towards the camera.

    These are the colours of normal maps in graphics (OpenGL's convention): a wall that faces the camera is light blue,
    a floor is green, a wall whose front looks to the right is red. What has no normal is dark grey.
    """
    known = np.isfinite(normals).all(axis=-1)
    fraction = 0.5 + 0.5 * np.where(known[..., None], normals, 0) * np.array([1, -1, -1], np.float32)
    colors = np.rint(255 * fraction).astype(np.uint8)
    colors[~known] = INVALID_COLOR
    return colors


def normal_color_blocks(depth: np.ndarray, intrinsics: np.ndarray) -> Iterator[np.ndarray]:
    """Yield `colorize_normals` of a map in blocks of rows, which need little memory."""
    for _, normals in _normal_blocks(depth, intrinsics):
        yield colorize_normals(normals)


def _normal_blocks(depth: np.ndarray, intrinsics: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    step = max(1, round(max(depth.shape) / _STEPS))
    for rows in row_blocks((*depth.shape, 3)):
        top, bottom = max(0, rows.start - step), min(depth.shape[0], rows.stop + step)
        points = _points(depth[top:bottom], intrinsics, top)
        normals = np.cross(_difference(points, step, 0), _difference(points, step, 1))
        # Down x right is towards the camera where the camera sees the front, as it always does.
        with np.errstate(invalid="ignore", divide="ignore"):
            normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
            away = (normals * points).sum(axis=-1) > 0
        normals[away] *= -1
        yield rows, normals[rows.start - top : rows.stop - top].astype(np.float32)


def _points(depth: np.ndarray, intrinsics: np.ndarray, top: int) -> np.ndarray:
    """Return the points (H, W, 3) of rows that begin at `top`, NaN without depth."""
    z = np.where(is_valid(depth), depth, np.nan).astype(np.float64)
    x = (np.arange(depth.shape[1]) - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (np.arange(top, top + depth.shape[0]) - intrinsics[1, 2]) / intrinsics[1, 1]
    return np.stack([z * x, z * y[:, None], z], axis=-1)


def _difference(points: np.ndarray, step: int, axis: int) -> np.ndarray:
    """Return the difference to the next point along `axis`, or from the one before if that is nearer."""
    count = points.shape[axis]
    step = min(step, max(1, count - 1))
    ahead = np.full_like(points, np.nan)
    lower = [slice(None)] * 3
    upper = [slice(None)] * 3
    lower[axis], upper[axis] = slice(0, max(0, count - step)), slice(step, None)
    ahead[tuple(lower)] = points[tuple(upper)] - points[tuple(lower)]
    behind = np.full_like(points, np.nan)
    behind[tuple(upper)] = ahead[tuple(lower)]
    far = np.nan_to_num(np.abs(ahead[..., 2:]), nan=np.inf) > np.nan_to_num(np.abs(behind[..., 2:]), nan=np.inf)
    return np.where(far, behind, ahead)
