"""Random transforms that move pixels: crop, flip, rotation, zoom."""

import cv2
import numpy as np
from mmcv.transforms.base import BaseTransform

from depthkit.datasets.transforms.checks import check_pair, check_probability, check_size
from depthkit.datasets.transforms.resizing import resize_depth, resize_image
from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS
from depthkit.utils.camera import crop_intrinsics, flip_intrinsics, rotate_intrinsics, scale_intrinsics


@TRANSFORMS.register_module()
class RandomCropRGBD(BaseTransform):
    """Cut out `size` (H, W) [px] at a random place."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = check_size(size, "RandomCropRGBD")

    def transform(self, results: dict) -> dict:
        """Return the cropped sample; raises `InputError` when it is smaller than `size`."""
        height, width = check_pair(results, "RandomCropRGBD")
        if height < self.size[0] or width < self.size[1]:
            raise InputError(
                f"{results['img_path']}: {width}x{height} is smaller than RandomCropRGBD(size={self.size}); put "
                "ResizeRGBD(mode='cover') before it"
            )
        top = np.random.randint(height - self.size[0] + 1)
        left = np.random.randint(width - self.size[1] + 1)
        return crop(results, top, left, self.size)


@TRANSFORMS.register_module()
class RandomFlipRGBD(BaseTransform):
    """Mirror left to right with probability `prob`."""

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = check_probability(prob, "RandomFlipRGBD")

    def transform(self, results: dict) -> dict:
        """Return the sample, with `flip` and `flip_direction` saying what was done."""
        check_pair(results, "RandomFlipRGBD")
        results["flip"] = bool(np.random.rand() < self.prob)
        results["flip_direction"] = "horizontal" if results["flip"] else None
        if not results["flip"]:
            return results
        if "intrinsics" in results:
            results["intrinsics"] = flip_intrinsics(results["intrinsics"], results["img"].shape[1])
        for key in ("img", "gt_depth_map"):
            if key in results:
                results[key] = np.ascontiguousarray(results[key][:, ::-1])
        return results


@TRANSFORMS.register_module()
class RandomRotation(BaseTransform):
    """Turn about the middle by up to `degrees` either way, with probability `prob`.

    What comes in from outside is 0: black, and no measurement. Depth along the axis stays as it is when a
    camera rolls.
    """

    def __init__(self, degrees: float, prob: float = 0.5) -> None:
        if not 0 <= degrees <= 180:
            raise InputError(f"RandomRotation(degrees={degrees}): expected between 0 and 180")
        self.degrees = degrees
        self.prob = check_probability(prob, "RandomRotation")

    def transform(self, results: dict) -> dict:
        """Return the sample, turned in all its parts; the depth map by nearest pixels."""
        height, width = check_pair(results, "RandomRotation")
        if np.random.rand() >= self.prob:
            return results
        angle = np.random.uniform(-self.degrees, self.degrees)
        rotation = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
        results["img"] = cv2.warpAffine(results["img"], rotation, (width, height), flags=cv2.INTER_LINEAR)
        if "gt_depth_map" in results:
            results["gt_depth_map"] = cv2.warpAffine(
                results["gt_depth_map"], rotation, (width, height), flags=cv2.INTER_NEAREST
            )
        if "intrinsics" in results:
            results["intrinsics"] = rotate_intrinsics(results["intrinsics"], rotation)
        return results


@TRANSFORMS.register_module()
class RandomZoom(BaseTransform):
    """Zoom in by a factor from `scale` (a, b) with probability `prob`; the size stays, metric depth shrinks.

    What looks s times larger to a network trained for one camera is s times nearer, so depth is divided by s
    (Eigen et al., NIPS 2014, section 3.3). The intrinsics follow the pixels: together they are the same
    scene, s times smaller.
    """

    def __init__(self, scale: tuple[float, float] = (1.0, 1.5), prob: float = 0.5) -> None:
        if len(scale) != 2 or not 1 <= scale[0] <= scale[1]:
            raise InputError(f"RandomZoom(scale={scale}): expected two factors, 1 <= a <= b, such as (1.0, 1.5)")
        self.scale = scale
        self.prob = check_probability(prob, "RandomZoom")

    def transform(self, results: dict) -> dict:
        """Return the sample, cropped at a random place and resized back."""
        height, width = check_pair(results, "RandomZoom")
        if np.random.rand() >= self.prob:
            return results
        factor = np.random.uniform(*self.scale)
        size = (max(1, round(height / factor)), max(1, round(width / factor)))
        top = np.random.randint(height - size[0] + 1)
        left = np.random.randint(width - size[1] + 1)
        results = crop(results, top, left, size)
        # The crop is of whole pixels, so these are the factors that were really applied.
        scale_y, scale_x = height / size[0], width / size[1]
        results["img"] = resize_image(results["img"], (height, width))
        results["img_shape"] = (height, width)
        if "gt_depth_map" in results:
            depth = resize_depth(results["gt_depth_map"], (height, width))
            results["gt_depth_map"] = depth / np.float32(np.sqrt(scale_x * scale_y))
        if "intrinsics" in results:
            results["intrinsics"] = scale_intrinsics(results["intrinsics"], scale_x, scale_y)
        return results


def crop(results: dict, top: int, left: int, size: tuple[int, int]) -> dict:
    """Return the sample cut to `size` (H, W) [px] from the pixel (top, left) on."""
    window = (slice(top, top + size[0]), slice(left, left + size[1]))
    for key in ("img", "gt_depth_map"):
        if key in results:
            results[key] = np.ascontiguousarray(results[key][window])
    results["img_shape"] = size
    if "intrinsics" in results:
        results["intrinsics"] = crop_intrinsics(results["intrinsics"], top, left)
    return results
