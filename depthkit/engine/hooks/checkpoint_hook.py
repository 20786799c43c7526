"""Save checkpoints that stand alone, safely against being killed at any moment."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from mmengine.dist import is_main_process
from mmengine.fileio.backends import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from depthkit.engine.checkpoints import add_metrics, pack
from depthkit.errors import InputError
from depthkit.models.base_model import DepthkitModel
from depthkit.models.checkpoint_info import CheckpointInfo
from depthkit.models.licences import add_licences_of_start
from depthkit.models.weights import METADATA_KEY
from depthkit.registry import HOOKS
from depthkit.utils.config import config_to_plain
from depthkit.utils.validation import Index, validate_arguments

# Keys that `train` sets for one run on one machine; the config in a checkpoint goes without them.
_OF_THE_RUN = ("work_dir", "experiment_name", "launcher", "model_wrapper_cfg", "load_from", "resume")


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Save checkpoints as mmengine's hook does, with three differences.

    An old checkpoint (beyond `max_keep_ckpts`, or the previous best one) is removed only when the new one is
    complete; mmengine removes it first. What is saved is plain data, so ``torch.load(path)`` reads it without
    executing code. And it carries its config and metrics (`CheckpointInfo`).

    Args:
        interval: epochs or iterations from one checkpoint to the next; -1 saves the last one only.
        by_epoch: count epochs, not iterations.
        save_optimizer: save what a training needs to be resumed.
        save_param_scheduler: as `save_optimizer`, for the schedulers.
        max_keep_ckpts: how many of them to keep; -1 keeps all.
        save_last: save at the end of the training, whatever the interval.
        save_best: name of a validation metric, or several; the checkpoint with the best value is kept besides.
        rule: whether the ``less`` or the ``greater`` value is the best one, for each of `save_best`.
        save_begin: epochs or iterations before the first checkpoint.

    Raises:
        InputError: an argument of another type; a `save_best` that the validation does not measure, before the
            training where the metrics say what they measure, else after the first validation.
    """

    @validate_arguments
    def __init__(
        self,
        interval: int = -1,
        by_epoch: bool = True,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        max_keep_ckpts: int = -1,
        save_last: bool = True,
        save_best: str | list[str] | None = None,
        rule: Literal["less", "greater"] | list[Literal["less", "greater"]] | None = None,
        save_begin: Index = 0,
    ) -> None:
        super().__init__(
            interval=interval,
            by_epoch=by_epoch,
            save_optimizer=save_optimizer,
            save_param_scheduler=save_param_scheduler,
            max_keep_ckpts=max_keep_ckpts,
            save_last=save_last,
            save_best=save_best,
            rule=rule,
            save_begin=save_begin,
        )
        self.metrics: dict[str, float] = {}
        self.saved_at = -1  # iteration of the last periodic checkpoint
        self.info: CheckpointInfo | None = None

    def before_train(self, runner: Runner) -> None:
        """Describe the training for its checkpoints, and check `save_best` where that is possible."""
        super().before_train(runner)
        self.file_backend = _OutdatedFiles()
        config = config_to_plain(runner.cfg)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if isinstance(model, DepthkitModel):
            config = model.carried_config(config)
        config = add_licences_of_start(config)
        config = {key: value for key, value in config.items() if key not in _OF_THE_RUN}
        self.info = CheckpointInfo.of_training(config, runner.cfg.filename)
        metrics = runner.val_loop.evaluator.metrics if runner.val_loop else []
        measured = [getattr(metric, "metric_names", None) for metric in metrics]
        if measured and all(measured):
            self._check_best(name for names in measured for name in names)

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        """Save every `interval` iterations."""
        super().after_train_iter(runner, *args, **kwargs)
        self._remove_outdated(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Save every `interval` epochs."""
        super().after_train_epoch(runner)
        self._remove_outdated(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Save the best checkpoint, and describe the periodic one of the same weights by its metrics."""
        self._check_best(metrics)
        self.metrics = {name: float(value) for name, value in metrics.items() if name not in ("images", "skipped")}
        super().after_val_epoch(runner, metrics)
        if self.saved_at == runner.iter and is_main_process():
            add_metrics(self.last_ckpt, self.metrics)
        self.metrics = {}  # of these weights only
        self._remove_outdated(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the description of the model, and make everything plain data."""
        if not self.metrics:
            self.saved_at = runner.iter
        checkpoint[METADATA_KEY] = dataclasses.replace(self.info, metrics=self.metrics).to_plain()
        pack(checkpoint)

    def _check_best(self, measured: Iterable[str]) -> None:
        measured = list(measured)
        for name in self.save_best or ():
            if name not in (*measured, "auto"):
                raise InputError(
                    f"default_hooks.checkpoint.save_best='{name}': the validation does not measure this; expected "
                    f"one of {', '.join(measured)}"
                )

    def _remove_outdated(self, runner: Runner) -> None:
        """Remove the files that mmengine wanted removed, now that the new ones are complete."""
        info = runner.message_hub.runtime_info
        current = {value for key, value in info.items() if key.startswith(("last_ckpt", "best_ckpt"))}
        for path in self.file_backend.pop():
            # After resuming, a new file may have the old one's name.
            if is_main_process() and path not in current:
                Path(path).unlink(missing_ok=True)


class _OutdatedFiles(LocalBackend):
    """mmengine's local files, of which `remove` only makes a list."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def remove(self, filepath: str) -> None:
        self.paths.append(filepath)

    def pop(self) -> list[str]:
        paths, self.paths = self.paths, []
        return paths
