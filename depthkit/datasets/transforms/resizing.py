"""The transform that sets a sample's size."""

from typing import Literal

import cv2
import numpy as np
from mmcv.transforms.base import BaseTransform

from depthkit.datasets.transforms.checks import Size
from depthkit.registry import TRANSFORMS
from depthkit.utils.camera import scale_intrinsics
from depthkit.utils.validation import validate_arguments

ResizeMode = Literal["fit", "cover", "stretch"]


@TRANSFORMS.register_module()
class ResizeRGBD(BaseTransform):
    """Resize image, depth map and intrinsics.

    Args:
        size: (H, W) [px].
        mode: ``fit``: the largest size of the same aspect inside `size`; ``cover``: the smallest that covers it (crop
            afterwards); ``stretch``: exactly `size`, whatever that does to the aspect.
        resize_depth: False: the depth map keeps its own size, as evaluation needs it.

    Raises:
        InputError: an argument out of range.
    """

    resampling = "area, linear"  # of sides that shrink, and of those that grow

    @validate_arguments
    def __init__(self, size: Size, mode: ResizeMode = "fit", resize_depth: bool = True) -> None:
        self.size = size
        self.mode = mode
        self.resize_depth = resize_depth

    def transform(self, results: dict) -> dict:
        """Return the resized sample; its depth map by the nearest pixel, so that zeros stay zeros."""
        shape = results["img"].shape[:2]
        target = _target_size(shape, self.size, self.mode)
        results["img"] = resize_image(results["img"], target)
        results["img_shape"] = target
        if "gt_depth_map" in results and self.resize_depth:
            results["gt_depth_map"] = resize_depth(results["gt_depth_map"], target)
        if "intrinsics" in results:
            results["intrinsics"] = scale_intrinsics(results["intrinsics"], target[1] / shape[1], target[0] / shape[0])
        return results


def _target_size(shape: tuple[int, int], size: tuple[int, int], mode: ResizeMode) -> tuple[int, int]:
    """Return the size (H, W) that `mode` gives to an image of `shape` for the wanted `size`."""
    if mode == "stretch":
        return size
    factors = (size[0] / shape[0], size[1] / shape[1])
    if mode == "fit":
        factor = min(factors)
        return tuple(min(max(1, round(side * factor)), limit) for side, limit in zip(shape, size, strict=True))
    factor = max(factors)
    return tuple(max(round(side * factor), limit) for side, limit in zip(shape, size, strict=True))


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image (H, W, 3) to `size`: sides that shrink by area (no aliasing), others bilinearly."""
    smaller = (min(size[0], image.shape[0]), min(size[1], image.shape[1]))
    if smaller != image.shape[:2]:
        image = cv2.resize(image, smaller[::-1], interpolation=cv2.INTER_AREA)
    if smaller != size:
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    return image


def resize_depth(depth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a depth map to `size` (H, W), each pixel the nearest one: depths never mix, nor with 0."""
    if depth.shape == size:
        return depth
    return cv2.resize(depth, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
