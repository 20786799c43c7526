"""The transform that sizes images as published depth networks were trained to see them."""

import math
import sys
from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from mmcv.transforms.base import BaseTransform
from PIL import Image
from tqdm import tqdm

from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS
from depthkit.utils.camera import scale_intrinsics
from depthkit.utils.validation import Count, validate_arguments

SizeRule = Literal["lower_bound", "minimal", "longest_side", "stretch"]
Resampling = Literal["cubic", "antialiased", "area"]

Size = tuple[int, int]  # (height, width) [px]

# 31 times the pixels of 518x518; time grows with the square of it.
MAX_PIXELS = 2**23
_SLOW_PIXELS = 6000 * 14**2  # 6000 patches, 4.4 times those of 518x518


@TRANSFORMS.register_module()
class ResizeToMultiple(BaseTransform):
    """Resize an image to sides that are multiples of a network's patch; the depth map keeps its size.

    Each published model has its own rule, and another one gives other depth. Where a rule would give a side of 0, it
    becomes one multiple.

    Args:
        size: [px], what the rule relates to.
        multiple: [px], of both sides; half a multiple is rounded to the even one.
        rule: ``lower_bound``: keep the aspect, no side below `size` (Depth Anything V1 and V2, ``infer_image``);
            ``minimal``: keep the aspect, the side that changes less becomes `size` (MiDaS 3, and all of these models in
            transformers); ``longest_side``: keep the aspect, the longer side becomes `size`, then each side the nearest
            multiple, half a multiple up (Depth Anything 3); ``stretch``: a square of `size`.
        resampling: ``cubic``: OpenCV's bicubic, without antialias and without rounding, so that values may lie beyond
            0 and 255; ``antialiased``: Pillow's bicubic on uint8; ``area``: OpenCV on uint8, bicubic where a side
            grows, else by area.

    Raises:
        InputError: an argument is wrong.
    """

    @validate_arguments
    def __init__(
        self, size: Count, multiple: Count, rule: SizeRule = "lower_bound", resampling: Resampling = "cubic"
    ) -> None:
        self.size = size
        self.multiple = multiple
        self.rule = rule
        self.resampling = resampling
        self.has_warned = False

    def transform(self, results: dict) -> dict:
        """Return the sample with `img` resized, float64 by ``cubic``, and `intrinsics` scaled along.

        The first result that a network takes long for is told on stderr.

        Raises:
            InputError: the result would have more than 8.4 million pixels.
        """
        shape = results["img"].shape[:2]
        steps = network_sizes(shape, self.size, self.multiple, self.rule)
        target = steps[-1]
        if target[0] * target[1] > MAX_PIXELS:
            raise InputError(
                f"{results['img_path'] or 'image'}: {shape[1]}x{shape[0]} px would become {target[1]}x{target[0]} px "
                f"for the network, more than {MAX_PIXELS / 1e6:.1f} million pixels; crop the image or give a smaller "
                f"input size than {self.size}"
            )
        if target[0] * target[1] > _SLOW_PIXELS and not self.has_warned:
            self.has_warned = True
            self._warn(results["img_path"], target)
        for step in steps:
            results["img"] = _RESAMPLE[self.resampling](results["img"], step)
        results["img_shape"] = target
        if "intrinsics" in results:
            scale_y, scale_x = (new / old for new, old in zip(target, shape, strict=True))
            results["intrinsics"] = scale_intrinsics(results["intrinsics"], scale_x, scale_y)
        return results

    def _warn(self, name: str, target: Size) -> None:
        smaller = self.size * math.sqrt(_SLOW_PIXELS / math.prod(target))
        smaller = max(1, math.floor(smaller / self.multiple)) * self.multiple
        tqdm.write(
            f"warning: {name or 'image'}: network input {target[1]}x{target[0]} px: slow; --input-size {smaller} (in "
            "Python: input_size) is faster",
            file=sys.stderr,
        )


def network_sizes(shape: Size, size: int, multiple: int, rule: SizeRule) -> list[Size]:
    """Return the sizes that an image of `shape` gets one after the other; the last is the network's.

    Only ``longest_side`` has two: it resizes twice.
    """
    if rule == "stretch":
        return [(_nearest(size, multiple),) * 2]
    scales = [size / side for side in shape]
    if rule == "longest_side":
        first = tuple(max(1, round(side * min(scales))) for side in shape)
        return [first, tuple(_nearest_or_above(side, multiple) for side in first)]
    if rule == "lower_bound":
        sides = [side * max(scales) for side in shape]
        return [tuple(_at_least(size, side, multiple) for side in sides)]
    height_scale, width_scale = scales
    scale = width_scale if abs(1 - width_scale) < abs(1 - height_scale) else height_scale
    return [tuple(_nearest(side * scale, multiple) for side in shape)]


def _nearest(side: float, multiple: int) -> int:
    return max(1, round(side / multiple)) * multiple


def _nearest_or_above(side: int, multiple: int) -> int:
    return max(1, math.floor(side / multiple + 0.5)) * multiple


def _at_least(least: int, side: float, multiple: int) -> int:
    nearest = round(side / multiple) * multiple
    return nearest if nearest >= least else math.ceil(side / multiple) * multiple


def _cubic(image: np.ndarray, size: Size) -> np.ndarray:
    return cv2.resize(image.astype(np.float64), size[::-1], interpolation=cv2.INTER_CUBIC)


def _antialiased(image: np.ndarray, size: Size) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC))


def _area(image: np.ndarray, size: Size) -> np.ndarray:
    if size == image.shape[:2]:
        return image
    grows = size[0] > image.shape[0] or size[1] > image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA)


_RESAMPLE: dict[Resampling, Callable[[np.ndarray, Size], np.ndarray]] = {
    "cubic": _cubic,
    "antialiased": _antialiased,
    "area": _area,
}
