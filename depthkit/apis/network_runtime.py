"""The runtime of a predictor's network: which device it needs, its images for comparison and for int8."""

import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor

from depthkit.apis.image_source import ImageSource, read_source
from depthkit.errors import InputError
from depthkit.models import DepthEstimator
from depthkit.runtimes.names import PACKAGES, check_runtime
from depthkit.utils.device import select_device
from depthkit.utils.image_files import find_images

if TYPE_CHECKING:
    from depthkit.export.agreement import Run

CalibrationImages = str | Path | Sequence[ImageSource]  # a folder, or images
Preprocess = Callable[..., dict]  # an RGB image to ``inputs`` (1, 3, h, w)

_FEWEST, _MOST = 8, 64  # calibration images
_HELD_OUT = 4  # every 4th calibration image measures the error instead


def device_of_runtime(device: str, runtime: str, precision: str, has_calibration: bool) -> torch.device:
    """Return the device that a model is to be on; with ``auto`` the CPU for a runtime that is for CPUs.

    Raises:
        InputError: there is no such device, or the runtime cannot be used (`check_runtime`).
    """
    check_runtime(runtime, precision, device.partition(":")[0], has_calibration)
    return select_device("cpu" if device == "auto" and (runtime in PACKAGES or precision == "int8") else device)


def set_runtime(
    model: DepthEstimator,
    settings: dict[str, object],
    preprocess: Preprocess,
    runtime: str,
    precision: str,
    calibration: CalibrationImages | None,
    max_error: float,
) -> str:
    """Let `model` run its network in a runtime, which is compared with torch first, and named on stderr.

    Args:
        model: is changed (`run_elsewhere`), if there is no error.
        settings: what its graph depends on beside the weights.
        preprocess: makes the network's input.
        runtime: see `DepthPredictor.use_runtime`, like the rest.
        precision: of the numbers.
        calibration: for int8.
        max_error: of a precision below float32.

    Returns:
        The runtime's name: with ``auto`` that of the fastest. ``torch`` in float32 is the model itself.

    Raises:
        InputError: the runtime cannot be used (`check_runtime`), `max_error` is not above 0, calibration images are too
            few or cannot be read, the model cannot be exported, or the runtime does not agree with torch.
    """
    check_runtime(runtime, precision, next(model.parameters()).device.type, calibration is not None)
    if isinstance(max_error, bool) or not isinstance(max_error, Real) or not 0 < max_error < math.inf:
        raise InputError(f"max_error={max_error!r}: expected a number above 0, a fraction of the depth such as 0.02")
    if (runtime, precision) == ("torch", "float32"):
        model.run_elsewhere = None
        return "torch"  # the model itself; the imports below take seconds
    from depthkit.export.agreement import sample_image
    from depthkit.export.deployable import smallest_side
    from depthkit.runtimes.choice import choose_network
    from depthkit.runtimes.networks import Networks

    def padded(rgb) -> Tensor:
        return model.pad(preprocess(rgb)["inputs"])

    learnt, samples = [], [padded(sample_image())]
    if calibration is not None:
        inputs = [padded(rgb) for rgb in read_calibration(calibration)]
        learnt = [one for index, one in enumerate(inputs) if index % _HELD_OUT]
        samples = inputs[::_HELD_OUT]
    networks = Networks(model, settings, learnt)
    limit = None if precision == "float32" else max_error
    chosen, run = choose_network(networks, runtime, precision, limit, samples)
    least = smallest_side(model.size_divisor) if chosen in PACKAGES else 1
    model.run_elsewhere = _Elsewhere(chosen, run, least, model)
    return chosen


class _Elsewhere:
    """The network of `model` in a runtime; where a side of the images is below `least` [px], in torch."""

    def __init__(self, runtime: str, run: "Run", least: int, model: DepthEstimator) -> None:
        self.runtime, self.run, self.least, self.model = runtime, run, least, model
        self._has_said = False

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        if min(images.shape[-2:]) >= self.least:
            return self.run(images)
        if not self._has_said:
            size = "x".join(map(str, images.shape[-2:]))
            print(
                f"note: the network's input of {size} px is too small for runtime {self.runtime}, which needs "
                f"{self.least} px; such images go through torch",
                file=sys.stderr,
            )
            self._has_said = True
        outputs = self.model(images)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def __deepcopy__(self, memo: dict) -> "_Elsewhere":
        return self  # a loaded graph cannot be copied, and need not be

    def __reduce__(self) -> NoReturn:
        raise InputError(
            f"runtime {self.runtime}: a predictor in it cannot be pickled; call use_runtime() on it before, and "
            f"use_runtime({self.runtime!r}) on what was unpickled"
        )


def read_calibration(calibration: CalibrationImages):
    """Yield calibration images as RGB, uint8 (H, W, 3); of more than 64, 64 of them evenly.

    Raises:
        InputError: they are fewer than 8, are no images, or one cannot be read.
    """
    if isinstance(calibration, str | os.PathLike):
        found, problems = find_images([str(calibration)])
        if problems:
            raise InputError(f"calibration: {next(iter(problems.values()))}")
    elif isinstance(calibration, Iterable):
        found = list(calibration)
    else:
        raise InputError(f"calibration={calibration!r}: expected a folder, or a list of images")
    if len(found) < _FEWEST:
        raise InputError(
            f"calibration: {len(found)} images are too few; give {_FEWEST} or more that are like those to come"
        )
    step = max(1, len(found) / _MOST)
    for index in range(min(len(found), _MOST)):
        yield read_source(found[int(index * step)]).rgb
