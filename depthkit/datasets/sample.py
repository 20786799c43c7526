"""One picture with what is known about it: what readers produce and transforms take and return."""

from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """A picture as read from disk, its depth map and its camera.

    `image` uint8 RGB (H, W, 3); `depth` float32 (H, W) [m], 0 = no measurement; `intrinsics` float64 (3, 3)
    [px], None when unknown; `name` says where it comes from (a path, or `file.mat#index`).
    """

    image: np.ndarray
    depth: np.ndarray
    intrinsics: np.ndarray | None
    name: str


def make_sample(
    image: np.ndarray, name: str, depth: np.ndarray | None = None, intrinsics: np.ndarray | None = None
) -> dict:
    """Return the dict that transforms work on: `img`, `img_path`, `ori_shape` and `img_shape` (H, W).

    `gt_depth_map` [m] and `intrinsics` [px] are there only when known, so a pipeline serves photos too.
    """
    shape = tuple(image.shape[:2])
    sample = {"img": image, "img_path": name, "ori_shape": shape, "img_shape": shape}
    if depth is not None:
        sample["gt_depth_map"] = depth
    if intrinsics is not None:
        sample["intrinsics"] = np.asarray(intrinsics, dtype=np.float64)
    return sample
