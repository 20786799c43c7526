"""One image and what is known about it: what readers produce, and what transforms take and return."""

from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """An image as read from disk, with its depth map and its camera.

    Attributes:
        image: uint8 RGB (H, W, 3).
        depth: float32 (H, W) [m]; 0 means no measurement.
        intrinsics: camera matrix, float64 (3, 3) [px]; None if unknown.
        name: where the frame comes from: a path, or ``file.mat#index``.
    """

    image: np.ndarray
    depth: np.ndarray
    intrinsics: np.ndarray | None
    name: str


def make_sample(
    image: np.ndarray, name: str, depth: np.ndarray | None = None, intrinsics: np.ndarray | None = None
) -> dict:
    """Make the dict that transforms work on.

    Args:
        image: uint8 RGB (H, W, 3).
        name: where the image comes from.
        depth: float32 (H, W) [m].
        intrinsics: camera matrix (3, 3) [px].

    Returns:
        ``img``, ``img_path``, ``ori_shape`` and ``img_shape``, both (H, W); ``gt_depth_map`` and ``intrinsics`` only
        if they are given, so that one pipeline serves images without depth too.
    """
    shape = tuple(image.shape[:2])
    sample = {"img": image, "img_path": name, "ori_shape": shape, "img_shape": shape}
    if depth is not None:
        sample["gt_depth_map"] = depth
    if intrinsics is not None:
        sample["intrinsics"] = np.asarray(intrinsics, dtype=np.float64)
    return sample
