"""Timing, multiply-accumulates and memory of forward passes, fairly: interleaved, with attention counted."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms import v2

from depthkit.datasets.image_folder import ImageFolder


@dataclass(frozen=True)
class Timing:
    """Forward passes of one model among others.

    Attributes:
        median, low, high: milliseconds for one batch: median, 10th and 90th percentile.
        speedup: median over rounds of the baseline's time divided by this model's in the same round.
    """

    median: float
    low: float
    high: float
    speedup: float


def count_macs(model: nn.Module, images: Tensor) -> int:
    """Multiply-accumulates of one forward pass over `images` (B, 3, H, W), attention included.

    Counted with the plain attention kernel: torch's counter does not see the fused one on a CPU. Selectors and
    score rows count; gather, scatter, softmax and norms are no multiply-accumulates.
    """
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), counter:
        model(images)
    return counter.get_total_flops() // 2


def peak_memory(model: nn.Module, images: Tensor) -> int:
    """Largest number of bytes that one forward pass over `images` holds beside weights and input."""
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


def picture_batch(folder: Path, height: int, width: int, batch: int) -> Tensor:
    """The first `batch` pictures of a folder and its subfolders, (B, 3, H, W) with ImageNet's mean and deviation.

    They are resized to cover height x width [px] and cut around the middle; too few are repeated.

    Raises:
        InputError: no picture there, or a damaged one.
    """
    dataset = ImageFolder(
        folder,
        pipeline=[
            dict(type="ResizeRGBD", size=(height, width), mode="cover"),
            dict(type="CenterCrop", crop_size=(width, height)),
            dict(type="PackDepthInputs"),
        ],
    )
    pictures = torch.stack([dataset[i % len(dataset)]["inputs"] for i in range(batch)]).float() / 255
    return v2.functional.normalize(pictures, IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)


def training_step(model: nn.Module, images: Tensor) -> Callable[[], None]:
    """A forward and backward pass of a `DepthEstimator` on `images` (B, 3, H, W) and random depth in 0.5 to 5 m."""
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


def time_interleaved(
    passes: dict[str, Callable[[], object]],
    baseline: str,
    rounds: int,
    synchronize: Callable[[], None],
    gradients: bool = False,
) -> dict[str, Timing]:
    """Time forward passes in turn, one each round, so that a busy moment of the machine meets all of them.

    Args:
        passes: what to time, by name.
        baseline: the name that the others are compared with.
        rounds: number of rounds after two for warming up.
        synchronize: waits until the device has finished.
        gradients: let the passes record gradients.
    """
    taken: dict[str, list[float]] = {name: [] for name in passes}
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
    taken = {name: values[2:] for name, values in taken.items()}
    timings = {}
    for name, values in taken.items():
        ratios = [base / value for base, value in zip(taken[baseline], values, strict=True)]
        ordered = sorted(values)
        timings[name] = Timing(
            statistics.median(values),
            ordered[len(ordered) // 10],
            ordered[-1 - len(ordered) // 10],
            statistics.median(ratios),
        )
    return timings
