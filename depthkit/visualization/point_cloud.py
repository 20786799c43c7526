"""Depth maps as point clouds."""

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.depth_map import is_valid


def depth_to_points(depth: np.ndarray, intrinsics: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Back-project every pixel that has depth, with a pinhole camera.

    Args:
        depth: distance along the optical axis [m], (H, W); NaN, infinite, 0 and negative are left out.
        intrinsics: camera matrix (3, 3) [px] of this image: ``[[fx, 0, cx], [0, fy, cy], [0, 0, 1]]``, pixel centres at
            whole numbers, the first at 0.
        image: uint8 RGB (H, W, 3).

    Returns:
        Points, float32 (N, 3) [m], row by row: x right, y down, z forward; and their colours, uint8 RGB (N, 3).

    Raises:
        InputError: image and depth differ in size, or the camera matrix has another form.
    """
    depth, intrinsics = np.asarray(depth), np.asarray(intrinsics, dtype=np.float64)
    if depth.ndim != 2 or image.shape != (*depth.shape, 3):
        raise InputError(f"depth {depth.shape} and image {image.shape}: expected (H, W) and (H, W, 3) of one size")
    if intrinsics.shape != (3, 3) or not (intrinsics[0, 0] > 0 and intrinsics[1, 1] > 0):
        raise InputError("intrinsics: expected a camera matrix (3, 3) [px] with positive focal lengths")
    valid = is_valid(depth)
    rows, columns = np.nonzero(valid)
    z = depth[valid].astype(np.float64)
    x = (columns - intrinsics[0, 2]) * z / intrinsics[0, 0]
    y = (rows - intrinsics[1, 2]) * z / intrinsics[1, 1]
    return np.stack([x, y, z], axis=1).astype(np.float32), image[valid]
