"""Save checkpoints that stand alone, safely against being killed at any moment."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from mmengine.dist import is_main_process
from mmengine.fileio.backends import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from depthkit.engine.checkpoints import pack
from depthkit.engine.train_loop import VALIDATED
from depthkit.engine.work_folder import BEST, PERIODIC, POINTER
from depthkit.errors import InputError
from depthkit.models.base_model import DepthkitModel
from depthkit.models.checkpoint_file import METADATA_KEY
from depthkit.models.checkpoint_info import CheckpointInfo
from depthkit.models.licences import add_licences_of_start
from depthkit.registry import HOOKS
from depthkit.utils.config import config_to_plain
from depthkit.utils.output_file import atomic_path
from depthkit.utils.validation import Count, Index, validate_arguments

_PATHS = ("last_ckpt", "best_ckpt")  # how the entries of the message hub begin that hold the path of a checkpoint
# Keys that `train` sets for one run on one machine; the config in a checkpoint goes without them.
_OF_THE_RUN = ("work_dir", "experiment_name", "launcher", "model_wrapper_cfg", "load_from", "resume")


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Save checkpoints as mmengine's hook does, with these differences.

    An old checkpoint (beyond `max_keep_ckpts`, or the previous best one) is removed only when the new one is
    complete; mmengine removes it first. What is saved is plain data, so ``torch.load(path)`` reads it without
    executing code. It carries its config and metrics (`CheckpointInfo`). After a validation the periodic one of the
    same weights is saved again, with its results: one without them is validated when it is resumed.

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
        interval: Count | Literal[-1] = -1,
        by_epoch: bool = True,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        max_keep_ckpts: Count | Literal[-1] = -1,
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
        self.saved_iter = -1  # of the last periodic checkpoint
        self.to_remove = True  # whether there may be outdated files, as after a kill
        self.info: CheckpointInfo | None = None

    def before_train(self, runner: Runner) -> None:
        """Describe the training for its checkpoints, and check `save_best` where that is possible."""
        hub = runner.message_hub
        for name in [name for name in hub.runtime_info if name.startswith(_PATHS)]:  # the folder may have been moved
            hub.update_info(name, os.path.join(runner.work_dir, os.path.basename(hub.get_info(name))))
            self.saved_iter = runner.iter  # resumed from a periodic one
        super().before_train(runner)
        self.file_backend = _KeepingFiles()
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
        """Save the best checkpoint, and once more the periodic one of the same weights."""
        self._check_best(metrics)
        state = {VALIDATED: runner.iter, "iter": runner.iter, "epoch": runner.epoch}
        runner.message_hub.update_info_dict(state)  # mmengine updates the last two at other moments after a resume
        self.metrics = {name: float(value) for name, value in metrics.items() if name not in ("images", "skipped")}
        self.last_ckpt = None  # mmengine would save a periodic one at every best one, whatever the interval
        super().after_val_epoch(runner, metrics)
        if self.saved_iter == runner.iter:
            step = runner.epoch if self.by_epoch else runner.iter
            self._save_checkpoint_with_step(runner, step, {"epoch": runner.epoch, "iter": runner.iter})
        self.metrics = {}  # of these weights only
        self._remove_outdated(runner)

    def after_train(self, runner: Runner) -> None:
        """Leave the folder of a training that was killed at its end as any other."""
        super().after_train(runner)
        self._remove_outdated(runner)
        pointer, newest = Path(runner.work_dir) / POINTER, runner.message_hub.runtime_info.get("last_ckpt")
        written = pointer.read_text(encoding="utf-8") if pointer.is_file() else None
        if is_main_process() and newest not in (written, None):
            _write_pointer(pointer, newest)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the description of the model, and make everything plain data."""
        self.to_remove = True
        checkpoint[METADATA_KEY] = dataclasses.replace(self.info, metrics=self.metrics).to_plain()
        pack(checkpoint)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        self.saved_iter = meta["iter"]
        try:
            super()._save_checkpoint_with_step(runner, step, meta)
        except BaseException:
            pointer = Path(runner.work_dir) / POINTER
            if is_main_process() and pointer.is_file() and not pointer.stat().st_size:  # mmengine had just opened it
                _write_pointer(pointer, self.last_ckpt)
            raise

    def _check_best(self, measured: Iterable[str]) -> None:
        measured = list(measured)
        for name in self.save_best or ():
            if name not in (*measured, "auto"):
                raise InputError(
                    f"default_hooks.checkpoint.save_best='{name}': the validation does not measure this; expected "
                    f"one of {', '.join(measured)}"
                )

    def _remove_outdated(self, runner: Runner) -> None:
        """Remove the checkpoints that newer ones have replaced, now that these are complete."""
        if not self.to_remove or not is_main_process():
            return
        self.to_remove = False
        info = runner.message_hub.runtime_info
        kind = "epoch" if self.by_epoch else "iter"
        kept = info.get("keep_ckpt_ids") or [] if self.max_keep_ckpts > 0 else []
        best = {os.path.basename(path) for name, path in info.items() if name.startswith("best_ckpt")}
        for path in list(Path(runner.work_dir).glob("*.pth")):
            periodic, of_metric = PERIODIC.fullmatch(path.name), BEST.fullmatch(path.name)
            if periodic:
                number = int(periodic["number"])
                old = kept and periodic["kind"] == kind and number < kept[-1] and number not in kept
            else:
                current = [name for name in best if of_metric and BEST.fullmatch(name)["metric"] == of_metric["metric"]]
                # A training that is resumed from further back finds its best one again later.
                old = current and path.name not in current and path.with_name(current[0]).is_file()
            if old:
                path.unlink(missing_ok=True)


def best_result(runner: Runner) -> tuple[str | None, float | None]:
    """Return the metric that chooses the best checkpoint, and its best value; None without one."""
    hooks = [hook for hook in runner.hooks if isinstance(hook, AtomicCheckpointHook)]
    metrics = [metric for hook in hooks for metric in getattr(hook, "key_indicators", [])]
    if not metrics:
        return None, None
    info = runner.message_hub.runtime_info
    return metrics[0], info.get("best_score", info.get(f"best_score_{metrics[0]}"))


class _KeepingFiles(LocalBackend):
    """mmengine's local files, none of which it may remove."""

    def remove(self, filepath: str) -> None:
        pass


def _write_pointer(pointer: Path, checkpoint: str) -> None:
    with atomic_path(pointer) as temporary:
        temporary.write_text(checkpoint, encoding="utf-8")
