"""Measure how far an exported model agrees with its original."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib.cbook
import numpy as np
import torch
from torch import Tensor

from depthkit.export.deployable import Exportable, divisor_of, output_names, smallest_side
from depthkit.models import Classifier
from depthkit.utils.io import read_rgb

TOLERANCE = 1e-3  # of depth [m], the step of a depth PNG; of other outputs a fraction of their range in the image
# Another runtime adds in another order. Where two patches have nearly the same importance it may choose the other one,
# and the depth there then differs by more than rounding: only few pixels may do so.
MAX_BEYOND = 0.05
SIZES = ((1, 128, 128), (2, 224, 304), (1, 480, 640))  # batch, height, width [px]

Run = Callable[[Tensor], Tensor | tuple[Tensor, ...]]  # images (B, 3, H, W), float32, to the outputs


@dataclass(frozen=True)
class Agreement:
    """One output of the exported and of the original model on images of one size.

    Attributes:
        size: batch, height and width [px].
        largest: largest difference; its unit is that of `unit_of`.
        beyond: fraction of the values that differ by more than `TOLERANCE`.
        error: mean difference as a fraction: of the depth there; of the range of a relative output in the image; of
            classes, half the sum of the differences of their probabilities.
        output: its name.
    """

    size: tuple[int, int, int]
    largest: float
    beyond: float
    error: float = 0.0
    output: str = "depth"

    @property
    def holds(self) -> bool:
        """Whether no more values differ than near ties explain; never with NaN."""
        return self.beyond <= MAX_BEYOND

    def is_within(self, max_error: float | None) -> bool:
        """Tell whether it `holds`; in a lower precision, whether the mean error is `max_error` at most."""
        return self.holds if max_error is None else self.error <= max_error


def unit_of(model: Exportable) -> str:
    """Return the unit of differences: ``m``, or ``of the range``: of relative outputs and probabilities."""
    return "m" if not isinstance(model, Classifier) and model.output == "depth" else "of the range"


def sample_image() -> np.ndarray:
    """Return an image that matplotlib brings: uint8 RGB (H, W, 3)."""
    return read_rgb(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


def sample_images(model: Exportable, size: tuple[int, int, int]) -> Tensor:
    """Return a real image of about `size`, and mirrored for a batch of two: (B, 3, H, W), 0 to 255."""
    sample = torch.from_numpy(sample_image())
    batch, *sides = size
    divisor = divisor_of(model)
    height, width = (max(smallest_side(divisor), side // divisor * divisor) for side in sides)
    image = torch.nn.functional.interpolate(sample.permute(2, 0, 1)[None].float(), (height, width), mode="area")
    return torch.cat([image, image.flip(-1)])[:batch].round()


@torch.inference_mode()
def compare(model: Exportable, run: Run, sizes: Sequence[tuple[int, int, int]] = SIZES) -> list[Agreement]:
    """Run both models on a real image in several sizes, the original with its own data preprocessor.

    Args:
        model: in evaluation mode, on the CPU.
        run: the exported model; its images are from 0 to 255.
        sizes: batch, height and width [px], rounded down to what the model takes.

    Returns:
        One comparison for each size and output.
    """
    found = []
    for size in sizes:
        images = sample_images(model, size)
        normalised = model.data_preprocessor({"inputs": list(images.to(torch.uint8))}, False)["inputs"]
        found += compare_outputs(model, as_tuple(model(normalised)), as_tuple(run(images)), images)
    return found


def compare_outputs(
    model: Exportable, expected: Sequence[Tensor], found: Sequence[Tensor], images: Tensor
) -> list[Agreement]:
    """Compare outputs with those, `expected`, of the original model in torch; `images` give the size."""
    agreements = []
    for name, wanted, got in zip(output_names(model), expected, found, strict=True):
        wanted, got = (one.float().cpu().numpy() for one in (wanted, got))
        if name == "logits":
            wanted, got = (_softmax(one) for one in (wanted, got))
            difference = np.abs(got - wanted)
            error = difference.sum(axis=-1).mean() / 2
        else:
            difference = np.abs(got - wanted)
            tiny = np.finfo(np.float32).tiny
            if model.output == "depth":
                error = (difference / np.maximum(np.abs(wanted), tiny)).mean()
            else:
                difference = difference / max(np.ptp(wanted), tiny)
                error = difference.mean()
        within = difference <= TOLERANCE  # False for NaN
        size = (len(images), *images.shape[-2:])
        agreements.append(Agreement(size, float(difference.max()), 1 - float(within.mean()), float(error), name))
    return agreements


def as_tuple(outputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return one output or several as a tuple."""
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
