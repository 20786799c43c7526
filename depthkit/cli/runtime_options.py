"""The options of commands that choose the runtime of the network."""

import os
from collections.abc import Callable

import click

from depthkit.cli.finite_range import FiniteRange
from depthkit.errors import InputError
from depthkit.runtimes.names import MAX_ERROR, PACKAGES, PRECISIONS, RUNTIMES, check_has_calibration, check_runtime
from depthkit.utils.paths import expand_home

runtime = click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default="torch",
    help="What runs the network: compile is torch.compile, onnx is onnxruntime; auto: the fastest that is installed "
    "and agrees with torch. The model is exported once and kept.",
)
precision = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    help="Of the network's numbers. bfloat16 and float16 where the processor has them; int8 with --calibration.",
)
calibration = click.option(
    "--calibration",
    metavar="DIR",
    help="For int8: a folder of 8 or more images like those to come, which show the ranges of the network's numbers.",
)
max_error = click.option(
    "--max-error",
    type=FiniteRange(0, min_open=True),
    default=MAX_ERROR,
    help="The largest mean error of a precision below float32, as a fraction of the depth; beyond it is an error.",
)


def runtime_options(command: Callable) -> Callable:
    """Add --runtime, --precision, --calibration and --max-error to a command."""
    return runtime(precision(calibration(max_error(command))))


def check_calibration(precision: str, calibration: str | None) -> None:
    """Check that there is a folder of images for int8, and none for another precision.

    Raises:
        InputError: otherwise.
    """
    check_has_calibration(precision, calibration is not None)
    if calibration is not None and not os.path.isdir(expand_home(calibration)):
        raise InputError(f"--calibration: there is no folder '{calibration}'; give one with 8 or more images")


def check_runtime_options(runtime: str, precision: str, calibration: str | None, device: str) -> str:
    """Check the options before the seconds that importing torch takes.

    Returns:
        The device: of ``auto`` the CPU for a runtime that is for CPUs.

    Raises:
        InputError: see `check_runtime` and `check_calibration`.
    """
    check_runtime(runtime, precision, device.partition(":")[0], calibration is not None)
    check_calibration(precision, calibration)
    return "cpu" if device == "auto" and (runtime in PACKAGES or precision == "int8") else device
