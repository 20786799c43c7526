"""A dense model at a smaller input: what any way to save time has to be compared with."""

import math
from collections.abc import Callable, Mapping

import torch.nn.functional as F
from torch import Tensor

from depthkit.analysis.benchmark import time_interleaved
from depthkit.models import DepthEstimator

_PROBE = 0.7  # of the sides: where the growth of time with size is measured


def smaller_size(size: tuple[int, int], factor: float, divisor: int) -> tuple[int, int]:
    """Return (height, width) [px] times `factor`, rounded to multiples of `divisor`, one of them at least."""
    height, width = (max(1, round(side * factor / divisor)) * divisor for side in size)
    return height, width


def shrink(images: Tensor, factor: float, divisor: int) -> Tensor:
    """Resize images (B, 3, H, W) to `smaller_size`, bicubic with antialiasing."""
    return F.interpolate(images, smaller_size(images.shape[-2:], factor, divisor), mode="bicubic", antialias=True)


def enlarge(model: DepthEstimator, depth: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize the depth (B, 1, h, w) of a shrunk image to (height, width) [px].

    Canonical depth is not rescaled: the canonical focal length is taken to shrink with the image, as with `img_size` in
    a config. Rescaled by the focal length it would be a weaker control, because networks follow apparent size only in
    part.
    """
    return F.interpolate(depth, size, mode="bilinear", align_corners=model.test_cfg["resize"] == "bilinear_aligned")


def factors_by_time(
    model: DepthEstimator,
    others: Mapping[str, Callable[[Tensor], Tensor]],
    images: Tensor,
    rounds: int,
    synchronize: Callable[[], None],
) -> dict[str, float | None]:
    """Find by how much to shrink the input of `model` so that it takes about as long as others.

    Time is taken to grow as a power of the number of pixels, which is measured at 0.7 of the sides.

    Args:
        model: in evaluation mode.
        others: what to compare with, by name.
        images: (B, 3, H, W).
        rounds: of the timing.
        synchronize: waits until the device has finished.

    Returns:
        A factor on both sides, below 1, for each of `others`: the largest there is where that takes no less time than
        `model`; None where the image is not larger than one patch.
    """
    divisor, size = model.size_divisor, tuple(images.shape[-2:])
    probe = shrink(images, _PROBE, divisor)
    passes = {name: (lambda run=run: run(images)) for name, run in others.items()}
    passes |= {"": lambda: model(images), "probe": lambda: model(probe)}
    speedups = {name: timing.speedup for name, timing in time_interleaved(passes, "", rounds, synchronize).items()}
    pixels = math.prod(probe.shape[-2:]) / math.prod(size)
    power = max(math.log(1 / speedups["probe"]) / math.log(pixels), 0.5) if pixels < 1 else 1.0
    steps = math.ceil(min(size) / divisor)
    factors: dict[str, float | None] = {}
    for name in others:
        wanted = 1 / speedups[name]

        def distance(factor: float, wanted: float = wanted) -> float:
            return abs((math.prod(smaller_size(size, factor, divisor)) / math.prod(size)) ** power - wanted)

        candidates = [step / steps for step in range(1, steps)]
        factors[name] = min(candidates, key=distance, default=None)
    return factors
