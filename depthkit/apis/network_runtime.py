"""The runtime of a predictor's network: which device it needs, its images for comparison and for int8."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from depthkit.apis.image_source import ImageSource, read_source
from depthkit.errors import InputError
from depthkit.models import DepthEstimator
from depthkit.runtimes.names import PACKAGES, check_runtime
from depthkit.utils.device import select_device
from depthkit.utils.image_files import find_images

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
        model: is changed (`run_elsewhere`).
        settings: what its graph depends on beside the weights.
        preprocess: makes the network's input.
        runtime: see `DepthPredictor.use_runtime`, like the rest.
        precision: of the numbers.
        calibration: for int8.
        max_error: of a precision below float32.

    Returns:
        The runtime's name: with ``auto`` that of the fastest. ``torch`` in float32 is the model itself.

    Raises:
        InputError: calibration images are too few or cannot be read, the model cannot be exported, or the runtime does
            not agree with torch.
    """
    model.run_elsewhere = None
    if (runtime, precision) == ("torch", "float32"):
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

    run_small = networks.make("torch", "float32")  # padded further, an image would have another depth
    told = []

    def run_any(images: Tensor) -> tuple[Tensor, ...]:
        if min(images.shape[-2:]) >= least:
            return run(images)
        if not told:
            told.append(True)
            print(f"warning: {chosen} needs inputs of {least} px; smaller ones run in torch", file=sys.stderr)
        return run_small(images)

    model.run_elsewhere = run_any
    return chosen


def read_calibration(calibration: CalibrationImages):
    """Yield calibration images as RGB, uint8 (H, W, 3); of more than 64, 64 of them evenly.

    Raises:
        InputError: they are fewer than 8, or one cannot be read.
    """
    if isinstance(calibration, str | os.PathLike):
        found, problems = find_images([str(calibration)])
        if problems:
            raise InputError(f"calibration: {next(iter(problems.values()))}")
    else:
        found = list(calibration)
    if len(found) < _FEWEST:
        raise InputError(
            f"calibration: {len(found)} images are too few; give {_FEWEST} or more that are like those to come"
        )
    step = max(1, len(found) / _MOST)
    for index in range(min(len(found), _MOST)):
        yield read_source(found[int(index * step)]).rgb
