"""How long the whole models of a study take in the runtimes that people deploy, and in training."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from depthkit.analysis.benchmark import time_interleaved, training_step
from depthkit.analysis.runtime_benchmark import parse_column
from depthkit.analysis.study.runs import WEIGHTS, Run
from depthkit.models import DepthEstimator
from depthkit.models.weights import forget_pretrained, load_weights
from depthkit.registry import DATASETS, MODELS, depthkit_scope
from depthkit.runtimes.names import missing_packages
from depthkit.runtimes.networks import Networks
from depthkit.utils.config import load_config
from depthkit.utils.macs import count_macs

TRAINING = "training"  # beside the runtimes: a step of it


def check_runtimes(names: Sequence[str]) -> list[str]:
    """Return what is to be timed: `names` or, without any, training and the runtimes that are installed.

    Raises:
        InputError: there is no such runtime or precision, or not on this machine.
    """
    if not names:
        return ["torch", *(name for name in ("onnx", "openvino") if not missing_packages(name)), TRAINING]
    for name in names:
        if name != TRAINING:
            parse_column(name, has_images=False)
    return list(names)


@dataclass
class Prepared:
    """A variant's model with a test image of its own size.

    Attributes:
        model: in evaluation mode, with the weights of the run where it is finished.
        image: normalised and padded (1, 3, H, W).
        batch: images in a step of training.
        bfloat16: train in it.
    """

    model: DepthEstimator
    image: Tensor
    batch: int
    bfloat16: bool


def prepare(run: Run) -> Prepared:
    """Build the model of a run and take the first test image of its config."""
    config = load_config(run.variant.config, run.options)
    forget_pretrained(config.model)
    with depthkit_scope():
        model = MODELS.build(config.model).eval()
        sample = DATASETS.build(config.test_dataloader.dataset)[0]
    model.canonical_focal = None  # steps of training are timed on random depth, without a camera
    if (run.folder / WEIGHTS).is_file():
        load_weights(model, run.folder / WEIGHTS)
    image = model.data_preprocessor({"inputs": [model.pad(sample["inputs"][None].float())[0]]})["inputs"]
    return Prepared(
        model, image, config.train_dataloader.batch_size, config.optim_wrapper.type == "BFloat16OptimWrapper"
    )


def measure_times(
    runs: Sequence[Run], runtimes: Sequence[str], rounds: int
) -> tuple[dict[str, int], dict[str, dict[str, dict[str, float]]]]:
    """Time the models of `runs` on the CPU, one image at a time, interleaved within a runtime.

    Args:
        runs: one of each variant; the first is the baseline.
        runtimes: of `check_runtimes`.
        rounds: see `time_interleaved`.

    Returns:
        The multiply-accumulates of each variant, and by runtime and variant the fields of `Timing`.

    Raises:
        InputError: a config or weights are wrong, or a model cannot be exported.
    """
    models = {run.variant.name: prepare(run) for run in runs}
    macs = {name: count_macs(one.model, one.image) for name, one in models.items()}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for runtime in runtimes:
        passes = {name: _pass(name, one, runtime) for name, one in models.items()}
        timings = time_interleaved(passes, next(iter(passes)), rounds, lambda: None, gradients=runtime == TRAINING)
        found[runtime] = {name: asdict(timing) for name, timing in timings.items()}
        for one in models.values():
            one.model.eval()
    return macs, found


def _pass(name: str, prepared: Prepared, runtime: str) -> Callable[[], Any]:
    """Make what is timed: a forward pass in a runtime, or forward and backward pass as in training."""
    if runtime == TRAINING:
        step = training_step(prepared.model, prepared.image.expand(prepared.batch, -1, -1, -1))
        return torch.autocast("cpu", torch.bfloat16, enabled=prepared.bfloat16)(step)
    networks = Networks(prepared.model, {"variant": name, "model": repr(prepared.model)})
    return partial(networks.make(*parse_column(runtime, has_images=False)), prepared.image)
