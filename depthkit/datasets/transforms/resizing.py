"""Transforms that set a sample's size."""

import cv2
import numpy as np
from mmcv.transforms.base import BaseTransform

from depthkit.datasets.transforms.checks import check_pair, check_size
from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS
from depthkit.utils.camera import scale_intrinsics

RESIZE_MODES = ("fit", "cover", "stretch")


@TRANSFORMS.register_module()
class ResizeRGBD(BaseTransform):
    """Resize to `size` (H, W) [px].

    `mode`: "fit" is the largest size of the same aspect inside `size`, "cover" the smallest that covers it
    (crop it after), "stretch" exactly `size`, whatever that does to the aspect. With `resize_depth=False` the
    depth map keeps its own size, as evaluation needs it.
    """

    def __init__(self, size: tuple[int, int], mode: str = "fit", resize_depth: bool = True) -> None:
        self.size = check_size(size, "ResizeRGBD")
        if mode not in RESIZE_MODES:
            raise InputError(f"ResizeRGBD(mode='{mode}'): expected one of {', '.join(RESIZE_MODES)}")
        self.mode = mode
        self.resize_depth = resize_depth

    def transform(self, results: dict) -> dict:
        """Return the sample with `img`, `gt_depth_map` (nearest, so that zeros stay zeros) and `intrinsics`
        resized.
        """
        shape = results["img"].shape[:2]
        target = target_size(shape, self.size, self.mode)
        results["img"] = resize_image(results["img"], target)
        results["img_shape"] = target
        if "gt_depth_map" in results and self.resize_depth:
            results["gt_depth_map"] = resize_depth(results["gt_depth_map"], target)
        if "intrinsics" in results:
            results["intrinsics"] = scale_intrinsics(results["intrinsics"], target[1] / shape[1], target[0] / shape[0])
        return results


@TRANSFORMS.register_module()
class Pad(BaseTransform):
    """Pad at the bottom and on the right, the picture with black and the depth map with 0, no measurement.

    Give either `size` (H, W) [px] or `size_divisor` [px], of which both sides become multiples.
    """

    def __init__(self, size: tuple[int, int] | None = None, size_divisor: int | None = None) -> None:
        if (size is None) == (size_divisor is None):
            raise InputError("Pad: give either size or size_divisor")
        if size_divisor is not None and size_divisor < 1:
            raise InputError(f"Pad(size_divisor={size_divisor}): expected 1 or more pixels")
        self.size = None if size is None else check_size(size, "Pad")
        self.size_divisor = size_divisor

    def transform(self, results: dict) -> dict:
        """Return the padded sample; raises `InputError` when it is larger than `size`."""
        height, width = check_pair(results, "Pad")
        if self.size is not None:
            target = self.size
        else:
            target = tuple(-(-side // self.size_divisor) * self.size_divisor for side in (height, width))
        if target[0] < height or target[1] < width:
            raise InputError(
                f"{results['img_path']}: {width}x{height} does not fit into Pad(size={target}); put Resize before it"
            )
        below, right = target[0] - height, target[1] - width
        results["img"] = np.pad(results["img"], ((0, below), (0, right), (0, 0)))
        results["img_shape"] = target
        if "gt_depth_map" in results:
            results["gt_depth_map"] = np.pad(results["gt_depth_map"], ((0, below), (0, right)))
        return results


def target_size(shape: tuple[int, int], size: tuple[int, int], mode: str) -> tuple[int, int]:
    """Return the size (H, W) that `mode` gives a picture of `shape` for the wanted `size`."""
    if mode == "stretch":
        return size
    factors = (size[0] / shape[0], size[1] / shape[1])
    if mode == "fit":
        factor = min(factors)
        return tuple(min(max(1, round(side * factor)), limit) for side, limit in zip(shape, size, strict=True))
    factor = max(factors)
    return tuple(max(round(side * factor), limit) for side, limit in zip(shape, size, strict=True))


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a picture to `size` (H, W): sides that shrink by area, so that nothing aliases, then those that
    grow bilinearly.
    """
    smaller = (min(size[0], image.shape[0]), min(size[1], image.shape[1]))
    if smaller != image.shape[:2]:
        image = cv2.resize(image, smaller[::-1], interpolation=cv2.INTER_AREA)
    if smaller != size:
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    return image


def resize_depth(depth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a depth map to `size` (H, W), each pixel the nearest one: depths are never mixed, nor with 0."""
    if depth.shape == size:
        return depth
    return cv2.resize(depth, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
