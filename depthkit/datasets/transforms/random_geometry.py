"""Random transforms that move pixels: crop, flip, zoom."""

from typing import Annotated

import numpy as np
from mmcv.transforms.base import BaseTransform
from pydantic import Field

from depthkit.datasets.transforms.checks import Size, check_pair, expected
from depthkit.datasets.transforms.resizing import resize_depth, resize_image
from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS
from depthkit.utils.camera import crop_intrinsics, flip_intrinsics, scale_intrinsics
from depthkit.utils.validation import Probability, validate_arguments

ZoomFactor = Annotated[float, Field(ge=1, allow_inf_nan=False)]
ZoomRange = Annotated[tuple[ZoomFactor, ZoomFactor], expected("two factors, 1 <= a <= b, such as (1.0, 1.5)")]


@TRANSFORMS.register_module()
class RandomCropRGBD(BaseTransform):
    """Cut out a window of `size` (H, W) [px] at a random place.

    Raises:
        InputError: `size` is not (height, width) in pixels.
    """

    @validate_arguments
    def __init__(self, size: Size) -> None:
        self.size = size

    def transform(self, results: dict) -> dict:
        """Return the cropped sample; raise `InputError` if it is smaller than `size`."""
        height, width = check_pair(results, "RandomCropRGBD")
        if height < self.size[0] or width < self.size[1]:
            raise InputError(
                f"{results['img_path']}: {width}x{height} is smaller than RandomCropRGBD(size={self.size}); put "
                "ResizeRGBD(mode='cover') before it"
            )
        top = np.random.randint(height - self.size[0] + 1)
        left = np.random.randint(width - self.size[1] + 1)
        return _crop(results, top, left, self.size)


@TRANSFORMS.register_module()
class RandomFlipRGBD(BaseTransform):
    """Mirror left to right with probability `prob`.

    Raises:
        InputError: `prob` is not a probability.
    """

    @validate_arguments
    def __init__(self, prob: Probability = 0.5) -> None:
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Return the sample; `flip` and `flip_direction` say what was done."""
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
class RandomZoom(BaseTransform):
    """Zoom in by a random factor; the size stays, metric depth shrinks.

    To a camera of focal length f [px], a point at (X, Z) appears at f X / Z. Seen s times larger it is at
    s f X / Z = f X / (Z / s): the zoomed image is one of the same camera, s times nearer. So depth is divided by s
    (Eigen et al., NIPS 2014, section 3.3), and the focal lengths in `intrinsics` stay; the principal point moves.

    Args:
        scale: factors are drawn from (a, b), with 1 <= a <= b.
        prob: probability of zooming.

    Raises:
        InputError: an argument out of range.
    """

    @validate_arguments
    def __init__(self, scale: ZoomRange = (1.0, 1.5), prob: Probability = 0.5) -> None:
        if scale[0] > scale[1]:
            raise InputError(f"RandomZoom: scale={scale}: expected two factors, 1 <= a <= b, such as (1.0, 1.5)")
        self.scale = scale
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Return the sample, cropped at a random place and resized back."""
        height, width = check_pair(results, "RandomZoom")
        if np.random.rand() >= self.prob:
            return results
        factor = np.random.uniform(*self.scale)
        size = (max(1, round(height / factor)), max(1, round(width / factor)))
        top = np.random.randint(height - size[0] + 1)
        left = np.random.randint(width - size[1] + 1)
        results = _crop(results, top, left, size)
        # The crop has whole pixels, so these are the factors that were really applied.
        scale_y, scale_x = height / size[0], width / size[1]
        results["img"] = resize_image(results["img"], (height, width))
        results["img_shape"] = (height, width)
        if "gt_depth_map" in results:
            depth = resize_depth(results["gt_depth_map"], (height, width))
            results["gt_depth_map"] = depth / np.float32(np.sqrt(scale_x * scale_y))
        if "intrinsics" in results:
            zoomed = scale_intrinsics(results["intrinsics"], scale_x, scale_y)
            zoomed[:, :2] = results["intrinsics"][:, :2]  # the focal lengths go with the divided depth
            results["intrinsics"] = zoomed
        return results


def _crop(results: dict, top: int, left: int, size: tuple[int, int]) -> dict:
    """Cut the sample to `size` (H, W) [px] with its first pixel at (top, left)."""
    window = (slice(top, top + size[0]), slice(left, left + size[1]))
    for key in ("img", "gt_depth_map"):
        if key in results:
            results[key] = np.ascontiguousarray(results[key][window])
    results["img_shape"] = size
    if "intrinsics" in results:
        results["intrinsics"] = crop_intrinsics(results["intrinsics"], top, left)
    return results
