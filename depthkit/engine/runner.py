"""mmengine's Runner with complete checkpoints, strict loading and readable errors."""

import copy
import functools
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import master_only
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from depthkit.engine.checkpoints import find_valid_checkpoint, strict_loading, unpack
from depthkit.engine.console import leave_out_internals, report_disk_errors
from depthkit.engine.continuity import check_settings_kept, schedule_of
from depthkit.engine.formatted_config import FormattedOnce
from depthkit.engine.mm_arguments import check_settings
from depthkit.engine.scalar_log import LINES, continue_log, count_lines
from depthkit.errors import InputError
from depthkit.models.weights import forget_pretrained
from depthkit.registry import RUNNERS
from depthkit.utils.config_errors import config_errors


def _naming(part: str, method: Callable) -> Callable:
    """Return the Runner's `method` with mistakes in the config as InputErrors that name the `part`."""

    @functools.wraps(method)
    def build(self: Runner, *args: Any, **kwargs: Any) -> Any:
        with config_errors(self.cfg.filename, part):
            return method(self, *args, **kwargs)

    return build


@RUNNERS.register_module()
class DepthRunner(Runner):
    """A Runner (same arguments) with these differences.

    - A checkpoint is written under a temporary name and renamed, so a killed process leaves complete files only.
    - `resume` takes the newest valid checkpoint of the work folder, and ends as a training that was never stopped: the
      same weights, metrics and log. A config with another learning rate, schedule or seed is refused.
    - Loading is strict: the weights of another model are an error, and no file can execute code.
    - `OneCycleLR` needs neither `total_steps` (the loop's iterations) nor `eta_max` (each group's own rate).
    - The data sets are built before the model, so a missing folder is found before weights are downloaded.
    - A mistake in the config is an `InputError` that names the file and the part.
    - The description of the environment and the config go to the log file, not to the console.
    """

    register_hooks = _naming("hooks", Runner.register_hooks)
    build_train_loop = _naming("train_cfg", Runner.build_train_loop)
    build_val_loop = _naming("val_cfg", Runner.build_val_loop)
    build_test_loop = _naming("test_cfg and test_dataloader", Runner.build_test_loop)
    build_evaluator = _naming("evaluator", Runner.build_evaluator)
    _init_model_weights = _naming("model: init_cfg", Runner._init_model_weights)
    build_optim_wrapper = _naming("optim_wrapper", Runner.build_optim_wrapper)

    @classmethod
    def from_cfg(cls, cfg: Config) -> "DepthRunner":
        """Build a Runner from a config; with `resume`, on the newest valid checkpoint of the work folder.

        Raises:
            InputError: a mistake in the config, no valid checkpoint among those in the work folder, or one of a
                training with another optimizer, schedule or seed.
        """
        cfg = FormattedOnce.of(copy.deepcopy(cfg))
        check_settings(cfg)
        if cfg.get("resume") and not cfg.get("load_from"):
            logger = MMLogger.get_current_instance()
            found = find_valid_checkpoint(cfg.work_dir, logger)
            if found is None:
                logger.warning(f"{cfg.work_dir}: no checkpoint to resume from; starting at the beginning")
            cfg.load_from, cfg.resume = None if found is None else str(found), found is not None
        model, changed = copy.deepcopy(cfg.model), []
        if cfg.get("resume"):
            changed = check_settings_kept(cfg.load_from, cfg)
            forget_pretrained(cfg.model)
        with config_errors(cfg.filename, "Runner"):
            runner = super().from_cfg(cfg)
        if not cfg.get("resume"):
            runner._continue_log(0)
        runner.cfg.model = model  # with its pretrained weights: the checkpoints carry it
        if changed:
            runner.logger.warning(f"{cfg.load_from}: resumed with other settings than before: {', '.join(changed)}")
        return runner

    def build_logger(self, log_level: int | str = "INFO", log_file: str | None = None) -> MMLogger:
        """Build the logger; the log file has everything, the console only what concerns the user."""
        logger = super().build_logger(log_level, log_file)
        report_disk_errors(logger)
        return leave_out_internals(logger)

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """Call all hooks; what they refuse before the training is a mistake in the config."""
        with config_errors(self.cfg.filename, "hooks") if fn_name == "before_train" else nullcontext():
            super().call_hook(fn_name, **kwargs)

    def build_model(self, model: Any) -> torch.nn.Module:
        """Build the data sets of the training, then the model."""
        if self._train_loop is not None:
            diff_rank_seed = self.cfg.get("randomness", {}).get("diff_rank_seed", False)
            for name in ("train_dataloader", "val_dataloader"):
                loader = getattr(self, f"_{name}")
                with config_errors(self.cfg.filename, name):
                    if isinstance(loader, dict):
                        setattr(self, f"_{name}", self.build_dataloader(loader, self.seed, diff_rank_seed))
        with config_errors(self.cfg.filename, "model"):
            model = super().build_model(model)
        backbone = getattr(model, "backbone", None)
        tapped = {*(getattr(backbone, "out_indices", None) or ())} & {*getattr(backbone, "selective_layers", ())}
        tapped = {layer for layer in tapped if getattr(backbone.blocks[layer], "skipped", "") == "unchanged"}
        if tapped and self._train_loop is not None:
            self.logger.warning(
                f"out_indices: {', '.join(map(str, sorted(tapped)))} are token selective layers; what skips such a "
                "layer has in its map the values of the layer before"
            )
        names = self.cfg.get("activation_checkpointing") or []
        for name in [names] if isinstance(names, str) else names:
            if not name or name not in dict(model.named_modules()):
                raise InputError(f"activation_checkpointing: the model has no module '{name}'")
        return model

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Build the schedulers, filling in what a OneCycleLR can know from the loop and the optimizer."""
        filled = []
        for one in scheduler if isinstance(scheduler, (list, tuple)) else [scheduler]:
            if isinstance(one, dict) and one.get("type") == "OneCycleLR":
                if self.max_iters * one.get("pct_start", 0.3) <= 1:
                    raise InputError(
                        f"param_scheduler: a OneCycleLR over {self.max_iters} iterations has no room to rise; "
                        "train for more iterations"
                    )
                rates = [group["lr"] for group in self.optim_wrapper.param_groups]
                one = {"by_epoch": False, "total_steps": self.max_iters, "eta_max": rates, **one}
            filled.append(one)
        with config_errors(self.cfg.filename, "param_scheduler"):
            return super().build_param_scheduler(filled)

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Resume from `filename`, with the order of the training images and the log of the training before.

        Raises:
            InputError: the file has no training state, is of another model, or of a shorter training.
        """
        planned = schedule_of(self.param_schedulers)
        try:
            super().resume(filename, *args, **kwargs)
        except KeyError as error:
            raise InputError(
                f"{filename}: holds no training state ({error} is missing), so it cannot be resumed; give it "
                "as load_from to start from its weights"
            ) from error
        except ValueError as error:
            if isinstance(error, InputError) or "parameter group" not in str(error):
                raise
            raise InputError(
                f"{filename}: its optimizer is of another config ({error}); resume with that config, or give the file "
                "as load_from to start from its weights"
            ) from error
        # The loader was built before the seed of the first run was known.
        sampler = self.train_dataloader.batch_sampler.sampler
        if hasattr(sampler, "seed") and not self._randomness_cfg.get("diff_rank_seed"):
            sampler.seed = self.seed
        before = self.message_hub.runtime_info
        if schedule_of(self.param_schedulers) != planned:
            total = before.get("max_iters")
            known = total not in (None, self.max_iters)
            what = f"{total} iterations, this one has {self.max_iters}" if known else "another schedule"
            raise InputError(
                f"{filename}: is of a training of {what}; resume it with its own max_epochs, batch_size and "
                "param_scheduler, or start anew from its weights with load_from"
            )
        self._continue_log(before.get(LINES, 0))
        self.logger.info(f"resumed from {filename} at iteration {self.iter} of {self.max_iters}")

    @master_only
    def _continue_log(self, lines: int) -> None:
        if not continue_log(self.work_dir, self.log_dir, lines):
            self.logger.warning(
                f"{self.work_dir}: the log of the training before is not there; the new one begins at iteration "
                f"{self.iter}"
            )

    def load_checkpoint(
        self,
        filename: str,
        map_location: str = "cpu",
        strict: bool = True,
        revise_keys: list[tuple[str, str]] = [(r"^module\.", "")],  # noqa: B006 (mmengine's signature)
    ) -> dict:
        """Load all weights of the model from `filename`.

        Raises:
            InputError: the file cannot be read, or is of another model.
        """
        try:
            with strict_loading():
                checkpoint = super().load_checkpoint(filename, map_location, strict, revise_keys)
        except RuntimeError as error:
            if "do not match exactly" not in str(error):
                raise
            reason = " ".join(str(error).partition("\n")[2].split())
            reason = reason if len(reason) < 300 else f"{reason[:300]} ..."
            raise InputError(
                f"{filename}: is a checkpoint of another model ({reason}); give the config that it was trained with"
            ) from error
        unpack(checkpoint)
        checkpoint.get("meta", {}).pop("config", None)  # Runner.resume would execute this text as Python
        return checkpoint

    @master_only
    def save_checkpoint(self, out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        """Save a checkpoint to a local folder: complete, or not at all.

        Raises:
            InputError: the disk is full or cannot be written to.
        """
        target = Path(out_dir) / filename
        temporary = target.with_name(f".{filename}.tmp")  # removed by `clean_work_folder` if this is killed
        self.message_hub.update_info(LINES, count_lines(self.log_dir))
        try:
            super().save_checkpoint(out_dir, temporary.name, *args, **kwargs)
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException as error:
            temporary.unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise InputError(
                f"{target}: the checkpoint cannot be written ({error.strerror}); free some space or choose "
                "another work folder, then continue with --resume"
            ) from error

    def unwrap_model(self) -> None:
        """Remove the data-parallel wrapper around the model, before the process group ends."""
        if is_model_wrapper(self.model):
            self.model = self.model.module
