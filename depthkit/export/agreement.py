"""Measure how far an exported model agrees with its original."""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib.cbook
import numpy as np
import torch
from torch import Tensor

from depthkit.export.deployable import smallest_side
from depthkit.models import DepthEstimator
from depthkit.utils.io import read_rgb

TOLERANCE = 1e-3  # of depth [m], the step of a depth PNG; of other outputs a fraction of their range in the image
# Another runtime adds in another order. Where two patches have nearly the same importance it may choose the other one,
# and the depth there then differs by more than rounding: only few pixels may do so.
MAX_BEYOND = 0.05
_SIZES = ((1, 128, 128), (2, 224, 304), (1, 480, 640))  # batch, height, width [px]


@dataclass(frozen=True)
class Agreement:
    """Exported and original model on images of one size.

    Attributes:
        size: batch, height and width [px].
        largest: largest difference; its unit is that of `unit_of`.
        beyond: fraction of the pixels that differ by more than `TOLERANCE`.
    """

    size: tuple[int, int, int]
    largest: float
    beyond: float

    @property
    def holds(self) -> bool:
        """Whether no more pixels differ than near ties explain; never with NaN."""
        return self.beyond <= MAX_BEYOND


def unit_of(model: DepthEstimator) -> str:
    """Return the unit of differences: ``m``; ``of the range``, a fraction, for relative outputs."""
    return "m" if model.output == "depth" else "of the range"


@torch.inference_mode()
def compare(model: DepthEstimator, run: Callable[[Tensor], Tensor]) -> list[Agreement]:
    """Run both models on a real image in several sizes, the original with its own data preprocessor.

    Args:
        model: in evaluation mode, on the CPU.
        run: the exported model: images (B, 3, H, W), float32 from 0 to 255, to its output (B, 1, H, W).

    Returns:
        One comparison per size.
    """
    sample = torch.from_numpy(read_rgb(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    least, divisor = smallest_side(model.size_divisor), model.size_divisor
    found = []
    for batch, *sides in _SIZES:
        height, width = (max(least, side // divisor * divisor) for side in sides)
        image = torch.nn.functional.interpolate(sample.permute(2, 0, 1)[None].float(), (height, width), mode="area")
        images = torch.cat([image, image.flip(-1)])[:batch].round()
        normalised = model.data_preprocessor({"inputs": list(images.to(torch.uint8))}, False)["inputs"]
        expected = model(normalised).numpy()
        difference = np.abs(run(images).numpy() - expected)
        if model.output != "depth":
            difference /= max(np.ptp(expected), np.finfo(np.float32).tiny)
        within = difference <= TOLERANCE  # False for NaN
        found.append(Agreement((batch, height, width), float(difference.max()), 1 - float(within.mean())))
    return found
