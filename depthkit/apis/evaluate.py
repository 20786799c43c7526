"""Evaluate a checkpoint on the test set of its config."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from depthkit.apis.carried_evaluation import carried_test_config, errors_with_data_root, errors_without_suffix
from depthkit.apis.evaluation import Evaluation
from depthkit.apis.network_input import build_transforms, make_input
from depthkit.apis.network_runtime import device_of_runtime, set_runtime
from depthkit.engine.mm_arguments import check_settings
from depthkit.engine.runner import DepthRunner
from depthkit.engine.session import engine_session
from depthkit.errors import InputError
from depthkit.evaluation import get_protocol
from depthkit.evaluation.depth_metric import DepthProtocolMetric
from depthkit.models.weights import forget_pretrained, read_state_dict
from depthkit.registry import registered_types_only
from depthkit.runtimes.names import IN_TORCH, RuntimeRequest
from depthkit.utils.config import config_to_plain
from depthkit.utils.config_errors import carried_config_errors
from depthkit.utils.device import process_group, wrapper_config
from depthkit.utils.output_folder import make_output_folder
from depthkit.visualization.color_range import check_metres


def evaluate(
    config: Config | None,
    checkpoint: str | Path,
    protocol: str | None = None,
    flip: bool = False,
    save_dir: str | Path | None = None,
    comparison_dir: str | Path | None = None,
    comparison_range: tuple[float, float] | None = None,
    launcher: str = "none",
    device: str | None = "auto",
    runtime: RuntimeRequest = IN_TORCH,
    boundary: bool = False,
) -> Evaluation:
    """Evaluate `checkpoint` on the test set of `config`.

    Args:
        config: from `depthkit.utils.config.load_config`; it is changed to what is run. None for the one that
            the checkpoint carries, whose data set and metric must be depthkit's own.
        checkpoint: all weights of the config's model; for a classifier also a file with timm's keys.
        protocol: name of a protocol instead of the config's. This and the next four are for depth.
        flip: average each prediction with that of the mirrored image.
        save_dir: folder for the predictions as 16-bit PNG [mm].
        comparison_dir: folder for image | ground truth | prediction | error of every image.
        comparison_range: ends of their colour bar [m]; None: those of each image's depth.
        launcher: ``pytorch`` under torchrun, else ``none``; every process gets the same result.
        device: see `select_device`.
        runtime: what runs the network of a depth model.
        boundary: measure boundaries too, see `DepthProtocolMetric`; of depth.

    Raises:
        InputError: something in the config, the data, the files or the machine cannot be used.
    """
    carried = config is None
    if carried:
        config = carried_test_config(checkpoint)
    for key in ("train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler"):
        config.pop(key, None)
    for key in ("val_dataloader", "val_cfg", "val_evaluator"):
        config.pop(key, None)
    if not config.get("test_dataloader") or not config.get("test_evaluator"):
        raise InputError(
            f"{config.filename}: has no test_dataloader and test_evaluator, so there is nothing to evaluate on"
        )
    check_settings(config)
    settings = {"model": config_to_plain(config)["model"]}
    output = config.model.get("output", "depth")
    if output != "depth":
        raise InputError(f"{checkpoint}: gives {output.replace('_', ' ')}, which metrics in metres cannot measure")
    if not isinstance(config.test_evaluator, dict):
        raise InputError(f"{config.filename}: test_evaluator is a list; expected one metric, as a dict")
    for_depth = protocol or flip or save_dir or comparison_dir or boundary or not runtime.is_plain
    if config.test_evaluator.get("type") != "DepthProtocolMetric" and for_depth:
        raise InputError(
            f"{config.filename}: is not of a depth model; leave out protocol, flip, boundary, runtime, precision, and "
            "folders for depth"
        )
    if launcher != "none" and runtime.runtime == "auto":
        raise InputError("runtime auto: each process would choose by itself; name a runtime, such as onnx")
    if not Path(checkpoint).is_file():
        raise InputError(f"{checkpoint}: no such checkpoint file")
    if protocol is not None:
        config.test_evaluator.protocol = get_protocol(protocol).name
    if boundary:
        config.test_evaluator.boundary = True
    if flip:
        config.model.setdefault("test_cfg", {})["flip"] = True
    if comparison_range is not None:
        config.test_evaluator.comparison_range = check_metres(comparison_range)
    for name, folder in {"save_dir": save_dir, "comparison_dir": comparison_dir}.items():
        if folder is not None:
            config.test_evaluator[name] = str(make_output_folder(folder))
    config.custom_hooks = [hook for hook in config.get("custom_hooks") or [] if hook.get("type") == "ProgressHook"]
    forget_pretrained(config.model)
    config.load_from, config.resume = str(checkpoint), False
    if config.model.get("type") == "Classifier":
        config.model.pop("teacher", None)  # of the training only
        if not any(key.startswith("backbone.") for key in read_state_dict(checkpoint)):
            config.load_from, config.model.pretrained = None, str(checkpoint)  # timm's keys
    config.launcher = launcher
    chosen = device_of_runtime(device or "auto", runtime.runtime, runtime.precision, runtime.calibration is not None)
    speed, network = _Speed(), _InRuntime(runtime, settings)
    with (
        engine_session(chosen),
        registered_types_only() if carried else nullcontext(),
        errors_with_data_root(checkpoint) if carried else nullcontext(),
        errors_without_suffix(config.filename) if carried else nullcontext(),
        process_group(launcher, chosen),
        tempfile.TemporaryDirectory(prefix="depthkit_test_") as scratch,
    ):
        config.work_dir = scratch  # mmengine's Runner always writes a log
        config.experiment_name = Path(scratch).name  # one of its own: see `train`
        config.model_wrapper_cfg = wrapper_config(launcher, chosen, False)
        with carried_config_errors(checkpoint) if carried else nullcontext():
            runner = DepthRunner.from_cfg(config)
        runner.register_hook(speed)
        runner.register_hook(network)
        results = runner.test()
        runner.unwrap_model()
        return Evaluation(
            conditions=_conditions(runner),
            images=int(results.pop("images")),
            skipped=int(results.pop("skipped")),
            metrics={name: float(value) for name, value in results.items()},
            images_per_second=speed.images_per_second * get_world_size(),
            device=str(chosen),
            processes=get_world_size(),
            runtime=network.chosen,
            precision=runtime.precision,
            config=str(config.filename).removeprefix(f"{checkpoint}: "),
            checkpoint=str(checkpoint),
        )


def _conditions(runner: Runner) -> dict[str, str | bool]:
    """Return what has to be the same for two results to be comparable, beside the images."""
    metric = runner.test_evaluator.metrics[0]
    if isinstance(metric, DepthProtocolMetric):
        used = metric.protocol
        flip = bool(runner.model.test_cfg["flip"])
        return {"protocol": used.name, "protocol_description": used.description, "flip": flip}
    steps = runner.test_dataloader.dataset.pipeline.transforms
    return {"transform": ", ".join(step.description for step in steps if hasattr(step, "description"))}


class _InRuntime(Hook):
    """Let the network run as `request` says, once the weights are loaded."""

    def __init__(self, request: RuntimeRequest, settings: dict[str, object]) -> None:
        self.request, self.settings = request, settings
        self.chosen = "torch"

    def before_test(self, runner: Runner) -> None:
        if self.request.is_plain:
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        transforms = build_transforms(runner.cfg, str(runner.cfg.filename))
        preprocess = partial(make_input, transforms, model.data_preprocessor)
        self.chosen = set_runtime(model.eval(), self.settings, preprocess, *self.request)


class _Speed(Hook):
    """Measure the images per second of this process, without the first batch when there are several."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.start = 0.0
        self.end = 0.0
        self.images = 0

    def before_test_epoch(self, runner: Runner) -> None:
        self.start = time.perf_counter()

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Sequence | None = None
    ) -> None:
        self.end = time.perf_counter()
        if batch_idx == 0 and len(runner.test_dataloader) > 1:
            self.start = self.end
        else:
            self.images += len(outputs or [])

    @property
    def images_per_second(self) -> float:
        return self.images / max(self.end - self.start, 1e-9)
