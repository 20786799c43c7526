"""Time whole depth models in several runtimes and precisions, in turn, on a CPU."""

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthkit.analysis.benchmark import describe_machine, image_batch, take_turns
from depthkit.analysis.benchmark_variants import build_variant
from depthkit.errors import InputError
from depthkit.export.agreement import Run
from depthkit.export.deployable import divisor_of
from depthkit.models import DepthEstimator
from depthkit.runtimes.export_cache import package_version
from depthkit.runtimes.names import PRECISIONS, check_runtime, cpu_name
from depthkit.runtimes.networks import Networks

Column = tuple[str, str]  # a runtime and a precision
_CALIBRATION = 16  # images for int8
_WIDTH = 40  # of the first column of a table


def parse_column(text: str, has_images: bool) -> Column:
    """Parse ``onnx`` or ``openvino:bfloat16``.

    Args:
        text: as given.
        has_images: whether there are images to calibrate int8 with.

    Raises:
        InputError: there is no such runtime or precision, or not on this machine.
    """
    runtime, _, precision = text.partition(":")
    column = (runtime, precision or "float32")
    if runtime == "auto":
        raise InputError(f"--runtimes {text}: name the runtimes that auto would choose from")
    if column[1] not in PRECISIONS:
        raise InputError(f"--runtimes {text}: expected one of {', '.join(PRECISIONS)} after the colon")
    if column[1] == "int8" and not has_images:
        raise InputError(f"--runtimes {text}: int8 learns the ranges of its numbers from images; add --images DIR")
    check_runtime(*column, "cpu", column[1] == "int8")
    return column


def run_runtime_benchmark(
    variants: Sequence[str],
    inputs: Sequence[tuple[int, int, int]],
    columns: Sequence[str],
    *,
    model: str,
    rounds: int,
    weights: str | None,
    images: Path | None,
    selector_layers: int,
) -> dict[str, Any]:
    """Time each variant in each runtime on `inputs` (height, width [px], batch), and print tables.

    Each variant takes the largest size within the input that its patches divide: of 480x640 one with patches of 14 px
    takes 476x630. In a round everything runs once.

    Args:
        variants: of depth models, see `build_variant`; published ones may stand beside others.
        inputs: as above.
        columns: ``onnx``, ``openvino:bfloat16`` and so on; the first one is what the others are compared with.
        model: size of the backbones.
        rounds: after two to warm up.
        weights: see `build_variant`.
        images: folder of images to run on, and to calibrate int8; None: noise.
        selector_layers: see `build_variant`.

    Returns:
        The report, with the time of each round, so that any ratio can be computed.

    Raises:
        InputError: a variant or runtime cannot be built.
    """
    parsed = [parse_column(text, images is not None) for text in columns]
    names = [text.removesuffix(":float32") for text in columns]
    torch.manual_seed(0)
    models = {name: build_variant(name, "depth", model, weights, selector_layers).eval() for name in variants}
    packages = {"torch": torch.__version__, **{name: package_version(name) for name in ("onnxruntime", "openvino")}}
    print(describe_machine(packages))
    results = []
    for height, width, batch in inputs:
        cells: dict[tuple[str, str], Callable[[], object]] = {}
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for variant, network in models.items():
            size = size_within(network, height, width)
            samples = image_batch(images, *size, batch) if images else torch.randn(batch, 3, *size)
            for name, run, error in make_runs(network, variant, size, samples, parsed, names, images):
                cells[variant, name] = partial(run, samples)
                found[variant, name] = dict(variant=variant, runtime=name, height=size[0], width=size[1], error=error)
        taken = take_turns(cells, rounds, lambda: None)
        for cell, times in taken.items():
            found[cell] |= dict(batch=batch, ms=statistics.median(times), rounds_ms=times)
        results += found.values()
        print(f"\n{height}x{width}, batch {batch}, {model}, medians of {rounds} interleaved rounds")
        print_tables(variants, names, found)
    report = dict(machine=cpu_name(), threads=torch.get_num_threads(), packages=packages, model=model, rounds=rounds)
    return {**report, "images": images, "selector_layers": selector_layers, "results": results}


def size_within(network: nn.Module, height: int, width: int) -> tuple[int, int]:
    """Return the largest height and width [px] that a model takes and that are not beyond these.

    Raises:
        InputError: they are smaller than its patches.
    """
    divisor = divisor_of(network) if isinstance(network, DepthEstimator) else 14
    size = (height // divisor * divisor, width // divisor * divisor)
    if not all(size):
        raise InputError(f"--inputs {height}x{width}: is smaller than a patch of {divisor} px; give larger sides")
    return size


def make_runs(
    network: nn.Module,
    variant: str,
    size: tuple[int, int],
    samples: Tensor,
    columns: Sequence[Column],
    names: Sequence[str],
    images: Path | None,
) -> list[tuple[str, Run, float]]:
    """Return the network of a variant in each runtime that takes it, with its mean error against torch."""
    runs = []
    calibration = list(image_batch(images, *size, _CALIBRATION).split(1)) if images else []
    networks = Networks(network, {"variant": variant, "model": repr(network)}, calibration)
    with torch.inference_mode():
        expected = networks.make("torch", "float32")(samples)
        for name, (runtime, precision) in zip(names, columns, strict=True):
            if not isinstance(network, DepthEstimator) and runtime not in ("torch", "compile"):
                continue  # of transformers: it is not exported here
            run = networks.make(runtime, precision)
            difference = (run(samples)[0] - expected[0]).abs()
            runs.append((name, run, float((difference / expected[0].abs().clamp(min=1e-6)).mean())))
    return runs


def print_tables(variants: Sequence[str], names: Sequence[str], found: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Print times, and ratios: to the first runtime of a variant, and to the first variant in a runtime."""

    def ratio(cell: tuple[str, str], base: tuple[str, str]) -> str:
        if cell not in found or base not in found:
            return "-"
        pairs = zip(found[cell]["rounds_ms"], found[base]["rounds_ms"], strict=True)
        return f"{statistics.median(a / b for a, b in pairs):.2f}"

    def table(title: str, write: Callable[[str, str], str]) -> None:
        print(f"\n{title:<{_WIDTH}}" + "".join(f"{name:>{max(12, len(name) + 2)}}" for name in names))
        for variant in variants:
            cells = "".join(f"{write(variant, name):>{max(12, len(name) + 2)}}" for name in names)
            print(f"{variant:<{_WIDTH}}{cells}")

    table("ms", lambda v, n: f"{found[v, n]['ms']:.1f}" if (v, n) in found else "-")
    table(f"time / {names[0]}", lambda v, n: ratio((v, n), (v, names[0])))
    table(f"time / {variants[0]}", lambda v, n: ratio((v, n), (variants[0], n)))
    table("mean error", lambda v, n: f"{found[v, n]['error']:.2%}" if (v, n) in found else "-")
