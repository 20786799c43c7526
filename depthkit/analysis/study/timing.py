"""How long the whole models of a study take in the runtimes that people deploy, and in training."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from depthkit.analysis.benchmark import Timing, count_macs, time_interleaved, training_step
from depthkit.analysis.study.runs import WEIGHTS, Run
from depthkit.export.formats import export_model
from depthkit.models import DepthEstimator
from depthkit.models.weights import forget_pretrained, load_weights
from depthkit.registry import DATASETS, MODELS, depthkit_scope
from depthkit.utils.config import load_config

RUNTIMES = ("torch", "onnxruntime", "openvino", "training")


@dataclass
class Prepared:
    """A variant's model with a test image of its own size.

    Attributes:
        model: in evaluation mode, with the weights of the run where it is finished.
        image: RGB from 0 to 255, float32 (1, 3, H, W), padded.
        batch: images in a step of training.
    """

    model: DepthEstimator
    image: Tensor
    batch: int

    @property
    def normalised(self) -> Tensor:
        """The image as the model takes it."""
        return self.model.data_preprocessor({"inputs": [self.image[0]]})["inputs"]


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
    return Prepared(model, model.pad(sample["inputs"][None].float()), config.train_dataloader.batch_size)


def measure_times(
    runs: Sequence[Run], runtimes: Sequence[str], rounds: int, folder: Path
) -> tuple[dict[str, int], dict[str, dict[str, dict[str, float]]]]:
    """Time the models of `runs` on the CPU, one image at a time, interleaved within a runtime.

    Args:
        runs: one of each variant; the first is the baseline.
        runtimes: some of `RUNTIMES`; one that is not installed is left out.
        rounds: see `time_interleaved`.
        folder: of the exported models, which are kept.

    Returns:
        The multiply-accumulates of each variant, and by runtime and variant the fields of `Timing`.

    Raises:
        InputError: a config or weights are wrong, or a model cannot be exported.
    """
    models = {run.variant.name: prepare(run) for run in runs}
    macs = {name: count_macs(one.model, one.normalised) for name, one in models.items()}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for runtime in runtimes:
        if runtime in ("onnxruntime", "openvino") and importlib.util.find_spec(runtime) is None:
            continue
        passes = {name: _pass(name, one, runtime, folder) for name, one in models.items()}
        timings: dict[str, Timing] = time_interleaved(
            passes, next(iter(passes)), rounds, lambda: None, gradients=runtime == "training"
        )
        found[runtime] = {name: asdict(timing) for name, timing in timings.items()}
        for one in models.values():
            one.model.eval()
    return macs, found


def _pass(name: str, prepared: Prepared, runtime: str, folder: Path) -> Callable[[], Any]:
    """Make what is timed: a forward pass of the whole model in a runtime, or a step of training."""
    if runtime == "torch":
        return partial(prepared.model, prepared.normalised)
    if runtime == "training":
        return training_step(prepared.model, prepared.normalised.expand(prepared.batch, -1, -1, -1))
    path = folder / f"{name}.onnx"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        export_model(prepared.model, path, "onnx")
    return _onnxruntime(path, prepared.image) if runtime == "onnxruntime" else _openvino(path, prepared.image)


def _onnxruntime(path: Path, image: Tensor) -> Callable[[], Any]:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    return partial(session.run, None, {"images": image.numpy()})


def _openvino(path: Path, image: Tensor) -> Callable[[], Any]:
    import openvino

    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    return partial(compiled, image.numpy())
