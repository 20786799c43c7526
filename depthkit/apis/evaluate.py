"""Evaluation of a checkpoint by a config: what tools/test.py does."""

import dataclasses
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from depthkit.apis.train import forget_pretrained
from depthkit.engine.runner import DepthRunner
from depthkit.errors import InputError
from depthkit.evaluation import get_protocol
from depthkit.evaluation.depth_metric import DepthProtocolMetric
from depthkit.models.weights import read_state_dict
from depthkit.utils.device import process_group, select_device, wrapper_config
from depthkit.utils.io import atomic_path
from depthkit.utils.output_folder import make_output_folder


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation, with what is needed to read it."""

    conditions: dict[str, str | bool]  # what makes results comparable: the protocol, or the pictures' transform
    images: int
    skipped: int  # without a valid pixel of ground truth, or unreadable
    metrics: dict[str, float]  # depth: `METRIC_NAMES`; rmse [m], sq_rel [m], silog x100. Classes: top1, top5 [%]
    images_per_second: float  # reading, prediction and measuring, of all processes together; start-up left out
    device: str
    processes: int
    config: str
    checkpoint: str

    def table(self) -> str:
        """For people: a few lines of text."""
        names = list(self.metrics)
        widths = [max(len(name), 8) for name in names]
        if "protocol" in self.conditions:
            mirrored = ", averaged with the mirrored image" * bool(self.conditions["flip"])
            conditions, reason = (
                f"protocol    {self.conditions['protocol_description']}{mirrored}",
                "without a valid pixel",
            )
        else:
            conditions, reason = f"transform   {self.conditions['transform']}", "unreadable"
        return "\n".join(
            [
                f"checkpoint  {self.checkpoint}",
                conditions,
                f"images      {self.images}" + (f" ({self.skipped} {reason} skipped)" if self.skipped else ""),
                f"speed       {self.images_per_second:.2f} images/s on {self.device}, {self.processes} process(es)",
                "",
                "  ".join(name.rjust(width) for name, width in zip(names, widths, strict=True)),
                "  ".join(
                    f"{value:.4f}".rjust(width) for value, width in zip(self.metrics.values(), widths, strict=True)
                ),
            ]
        )

    def write_json(self, path: str | Path) -> None:
        """Write everything as JSON, the conditions as keys of their own, the metrics in full precision.

        Raises:
            InputError: `path` cannot be written.
        """
        with atomic_path(path) as temporary:
            content = dataclasses.asdict(self)
            content = {**content.pop("conditions"), **content}
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def evaluate(
    config: Config,
    checkpoint: str | Path,
    protocol: str | None = None,
    flip: bool = False,
    save_dir: str | Path | None = None,
    launcher: str = "none",
    device: str | None = None,
) -> Evaluation:
    """Evaluate `checkpoint` on the test set of `config`.

    Args:
        config: from `depthkit.utils.config.load_config`; it is changed to what is run.
        checkpoint: of the config's model, all of its weights; for a classifier also a file with timm's keys.
        protocol: name of a protocol instead of the config's. This and the next two are for depth.
        flip: average each prediction with that of the mirrored image.
        save_dir: folder for the predictions as 16-bit PNG [mm].
        launcher: ``pytorch`` under torchrun, else ``none``; every process gets the same result.
        device: see `select_device`.

    Raises:
        InputError: something in the config, the data, the files or the machine is not as it should be.
    """
    if "test_dataloader" not in config or "test_evaluator" not in config:
        raise InputError(f"{config.filename}: has no test_dataloader and test_evaluator, so nothing to evaluate on")
    if not isinstance(config.test_evaluator, dict):
        raise InputError(f"{config.filename}: test_evaluator is a list; expected one metric, as a dict")
    if config.test_evaluator.type != "DepthProtocolMetric" and (protocol or flip or save_dir):
        raise InputError(f"{config.filename}: is no depth model; leave out the protocol, flip and save_dir")
    if not Path(checkpoint).is_file():
        raise InputError(f"{checkpoint}: no such checkpoint file")
    if protocol is not None:
        config.test_evaluator.protocol = get_protocol(protocol).name
    if flip:
        config.model.setdefault("test_cfg", {})["flip"] = True
    if save_dir is not None:
        config.test_evaluator.save_dir = str(make_output_folder(save_dir))
    for key in ("train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler"):
        config.pop(key, None)
    for key in ("val_dataloader", "val_cfg", "val_evaluator"):
        config.pop(key, None)
    config.custom_hooks = [hook for hook in config.get("custom_hooks", []) if hook["type"] == "ProgressHook"]
    forget_pretrained(config)
    config.load_from, config.resume = str(checkpoint), False
    if config.model.type == "Classifier":
        config.model.pop("teacher", None)  # of the training only
        if not any(key.startswith("backbone.") for key in read_state_dict(checkpoint)):
            config.load_from, config.model.pretrained = None, str(checkpoint)  # timm's keys
    config.launcher = launcher
    chosen = select_device(device)
    speed = _Speed()
    with process_group(launcher, chosen), tempfile.TemporaryDirectory(prefix="depthkit_test_") as scratch:
        config.work_dir = scratch  # mmengine's Runner always writes a log
        config.experiment_name = Path(scratch).name  # one of its own: see `train`
        config.model_wrapper_cfg = wrapper_config(launcher, chosen, False)
        runner = DepthRunner.from_cfg(config)
        runner.register_hook(speed)
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
            config=str(config.filename),
            checkpoint=str(checkpoint),
        )


def _conditions(runner: Runner) -> dict[str, str | bool]:
    """What has to be the same for two results to be comparable, beside the pictures."""
    metric = runner.test_evaluator.metrics[0]
    if isinstance(metric, DepthProtocolMetric):
        used = metric.protocol
        flip = bool(runner.model.test_cfg["flip"])
        return {"protocol": used.name, "protocol_description": used.description, "flip": flip}
    steps = runner.test_dataloader.dataset.pipeline.transforms
    return {"transform": ", ".join(step.description for step in steps if hasattr(step, "description"))}


class _Speed(Hook):
    """Images per second of this process, from the end of the first batch on when there are several."""

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
