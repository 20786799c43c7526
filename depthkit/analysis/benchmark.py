"""Measure time, multiply-accumulates (attention included) and memory of forward passes."""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torchvision.transforms import v2

from depthkit.analysis.benchmark_variants import build_variant, check_names
from depthkit.analysis.published_variants import check_published, is_published
from depthkit.datasets.image_folder import ImageFolder
from depthkit.runtimes.names import cpu_name
from depthkit.utils.device import select_device
from depthkit.utils.imagenet_stats import IMAGENET_MEAN, IMAGENET_STD
from depthkit.utils.macs import count_macs

_Name = TypeVar("_Name", bound=Hashable)


@dataclass(frozen=True)
class Timing:
    """How long the forward passes of one model took, beside those of others.

    Attributes:
        ms: of one batch [ms], median.
        ms_low: 10th percentile [ms].
        ms_high: 90th percentile [ms].
        speedup: time of the baseline divided by the time of this model in the same round, median over rounds.
    """

    ms: float
    ms_low: float
    ms_high: float
    speedup: float


def run_benchmark(
    variants: Sequence[str],
    inputs: Sequence[tuple[int, int, int]],
    *,
    task: str,
    model: str,
    rounds: int,
    dtype: str,
    weights: str | None,
    images: Path | None,
    selector_layers: int,
    train: bool,
    compile: str | None,
    device: str,
) -> dict[str, Any]:
    """Time `variants` on `inputs` (height, width [px], batch) and print a table of each.

    Arguments and result are those of `depthkit benchmark` and of its JSON file.

    Raises:
        InputError: a variant cannot be built or timed so.
    """
    check_names(variants)
    published = any(map(is_published, variants))
    if published:
        check_published(variants, inputs, task, train)
        model = "published models"
    names = list(dict.fromkeys(variants if published else ["timm", *variants]))
    chosen, number_type = select_device(device), getattr(torch, dtype)
    synchronize = torch.cuda.synchronize if chosen.type == "cuda" else lambda: None
    torch.manual_seed(0)
    models = {
        name: build_variant(name, task, model, weights, selector_layers).to(chosen, number_type).eval()
        for name in names
    }
    results = []
    print(describe_machine({"torch": torch.__version__}))
    for height, width, batch in inputs:
        samples = image_batch(images, height, width, batch) if images else torch.randn(batch, 3, height, width)
        samples = samples.to(chosen, number_type)
        if train:
            passes = {name: training_step(one, samples) for name, one in models.items()}
        else:
            run = {name: torch.compile(one, mode=compile) if compile else one for name, one in models.items()}
            passes = {name: partial(one, samples) for name, one in run.items()}
        timings = time_interleaved(passes, names[0], rounds, synchronize, gradients=train)
        print(f"\n{task}{', training step' * train}, {model}, {height}x{width}, batch {batch}, {dtype}, {chosen}")
        print(f"{'variant':<40}{'GMACs/image':>12}{'ms':>10}{'10-90 %':>18}{'speed-up':>10}{'peak MiB':>10}")
        for name, one in models.items():
            timing = timings[name]
            # Of the whole batch: with per_head, how many tokens some head attends depends on the image.
            macs = count_macs(one.eval(), samples) // batch
            peak = peak_memory(one, samples)
            spread = f"{timing.ms_low:.1f}-{timing.ms_high:.1f}"
            print(f"{name:<40}{macs / 1e9:>12.2f}{timing.ms:>10.1f}{spread:>18}", end="")
            print(f"{timing.speedup:>10.2f}{peak / 2**20:>10.1f}")
            result = dict(variant=name, height=height, width=width, batch=batch, macs=macs)
            results.append({**result, **asdict(timing), "peak_bytes": peak})
    report = dict(machine=cpu_name(), threads=torch.get_num_threads(), torch=torch.__version__, task=task, model=model)
    report |= dict(device=str(chosen), dtype=dtype, compile=compile, train=train, images=images)
    return {**report, "selector_layers": selector_layers, "rounds": rounds, "results": results}


def describe_machine(packages: Mapping[str, str | None]) -> str:
    """Return in one line the CPU, the number of torch's threads, and the versions of installed packages."""
    count = torch.get_num_threads()
    versions = [f"{name} {version}" for name, version in packages.items() if version is not None]
    return ", ".join([cpu_name(), f"{count} thread{'s' * (count != 1)}", *versions])


def peak_memory(model: nn.Module, images: Tensor) -> int:
    """Measure the memory [bytes] that one forward pass over `images` needs beside weights and input."""
    with torch.inference_mode():
        model(images)
        if images.device.type == "cuda":
            before = torch.cuda.memory_allocated(images.device)
            torch.cuda.reset_peak_memory_stats(images.device)
            model(images)
            return torch.cuda.max_memory_allocated(images.device) - before
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            model(images)
    held = peak = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


def image_batch(folder: Path, height: int, width: int, batch: int) -> Tensor:
    """Read the first images of a folder and its subfolders, normalised with ImageNet's mean and std.

    They are resized to cover height x width [px] and cropped around the centre. If the folder has fewer than `batch`
    images, they are repeated.

    Returns:
        (B, 3, H, W).

    Raises:
        InputError: there is no image, or a damaged one.
    """
    dataset = ImageFolder(
        folder,
        pipeline=[
            dict(type="ResizeRGBD", size=(height, width), mode="cover"),
            dict(type="CenterCrop", crop_size=(width, height)),
            dict(type="PackDepthInputs"),
        ],
    )
    images = torch.stack([dataset[i % len(dataset)]["inputs"] for i in range(batch)]).float()
    return v2.functional.normalize(images, IMAGENET_MEAN, IMAGENET_STD)


def training_step(model: nn.Module, images: Tensor) -> Callable[[], None]:
    """Make a forward and backward pass of a `DepthEstimator` on `images` (B, 3, H, W).

    The ground truth is random, 0.5 to 5 m.
    """
    model.train()
    samples = []
    for image in images:
        depth = torch.rand(1, *image.shape[-2:], device=images.device) * 4.5 + 0.5
        samples.append(SegDataSample(gt_depth_map=PixelData(data=depth)))

    def step() -> None:
        losses = model(images, samples, mode="loss")
        sum(value for name, value in losses.items() if "loss" in name).backward()
        model.zero_grad()

    return step


def take_turns(
    passes: Mapping[_Name, Callable[[], object]],
    rounds: int,
    synchronize: Callable[[], None],
    gradients: bool = False,
) -> dict[_Name, list[float]]:
    """Time passes in turn, so that a busy moment of the machine affects all of them.

    Args:
        passes: what to time, by name.
        rounds: number of rounds, after two for warming up.
        synchronize: waits until the device has finished.
        gradients: let the passes record gradients.

    Returns:
        The time of each in each round [ms].
    """
    taken: dict[_Name, list[float]] = {name: [] for name in passes}
    names = list(passes)
    with torch.inference_mode(not gradients):
        for round_index in range(rounds + 2):
            shift = round_index % len(names)
            for name in names[shift:] + names[:shift]:
                synchronize()
                start = time.perf_counter()
                passes[name]()
                synchronize()
                taken[name].append(1000 * (time.perf_counter() - start))
    return {name: values[2:] for name, values in taken.items()}


def time_interleaved(
    passes: dict[str, Callable[[], object]],
    baseline: str,
    rounds: int,
    synchronize: Callable[[], None],
    gradients: bool = False,
) -> dict[str, Timing]:
    """Time passes in turn (`take_turns`), and compare them with the one called `baseline`, by name."""
    taken = take_turns(passes, rounds, synchronize, gradients)
    timings = {}
    for name, values in taken.items():
        ratios = [base / value for base, value in zip(taken[baseline], values, strict=True)]
        ordered = sorted(values)
        tenth = len(ordered) // 10
        timings[name] = Timing(
            statistics.median(ordered), ordered[tenth], ordered[-1 - tenth], statistics.median(ratios)
        )
    return timings
