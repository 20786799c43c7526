"""mmengine's Runner with checkpoints that are whole or absent, strict loading and readable errors."""

import logging
import os
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import master_only
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop, Runner

from depthkit.engine.checkpoints import find_whole_checkpoint
from depthkit.engine.console import console_level, leave_out_internals
from depthkit.errors import InputError
from depthkit.registry import RUNNERS
from depthkit.utils.config_errors import config_errors


@RUNNERS.register_module()
class DepthRunner(Runner):
    """A Runner (same arguments) with these differences.

    - A checkpoint is written under a temporary name and renamed, so a killed process leaves whole files only.
    - `resume` goes on from the last whole checkpoint of the work folder, and with the same order of pictures.
    - Loading is strict: the weights of another model are an error, and no file can execute code.
    - `OneCycleLR` needs neither `total_steps` (the loop's iterations) nor `eta_max` (each group's own rate).
    - A mistake in the config is an `InputError` that names the file and the part.
    - The description of the environment and the config go to the log file, not to the console.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._console = None
        super().__init__(*args, **kwargs)
        self._console.close()

    def build_logger(self, log_level: int | str = "INFO", log_file: str | None = None) -> MMLogger:
        """The logger, quiet on the console until the Runner is built."""
        logger = super().build_logger(log_level, log_file)
        leave_out_internals(logger)
        self._console = console_level(logger, logging.WARNING)
        return logger

    def load_or_resume(self) -> None:
        """Load `load_from`, or resume: from `load_from` when given, else from the last whole checkpoint."""
        if self._resume and self._load_from is None and not self._has_loaded:
            path = find_whole_checkpoint(self.work_dir, self.logger)
            if path is None:
                self.logger.warning(f"{self.work_dir}: no checkpoint to resume from; starting at the beginning")
                self._resume = False
            else:
                self._load_from = str(path)
        super().load_or_resume()

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str = "default",
    ) -> None:
        """Resume from `filename`, the order of the training pictures included.

        Raises:
            InputError: the file has no training state, is of another model, or of a shorter training.
        """
        try:
            super().resume(filename, resume_optimizer, resume_param_scheduler, map_location)
        except KeyError as error:
            raise InputError(
                f"{filename}: holds no training state ({error} is missing), so it cannot be resumed; give it "
                "as load_from to start from its weights"
            ) from error
        except ValueError as error:
            if isinstance(error, InputError) or "parameter group" not in str(error):
                raise
            raise InputError(f"{filename}: its optimizer is of another config ({error})") from error
        # The loader was built before the seed of the first run was known.
        sampler = self.train_dataloader.sampler
        if hasattr(sampler, "seed"):
            sampler.seed = self.seed
        for scheduler in self.param_schedulers or []:
            total = getattr(scheduler, "total_steps", None)
            if total is not None and not scheduler.by_epoch and total < self.max_iters:
                raise InputError(
                    f"{filename}: is of a training of {total} iterations, this one has {self.max_iters}; "
                    "resume it with its own max_epochs and batch_size, or start anew from its weights with load_from"
                )
        self.logger.info(f"resumed from {filename} at iteration {self.iter} of {self.max_iters}")

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
            return super().load_checkpoint(filename, map_location, strict, revise_keys)
        except RuntimeError as error:
            if "do not match exactly" not in str(error):
                raise
            reason = " ".join(str(error).partition("\n")[2].split())
            reason = reason if len(reason) < 300 else f"{reason[:300]} ..."
            raise InputError(
                f"{filename}: is a checkpoint of another model ({reason}); give the config that it was trained with"
            ) from error

    @master_only
    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        """Save a checkpoint to a local folder: complete, or not at all.

        Raises:
            InputError: the disk is full or cannot be written to.
        """
        target = Path(out_dir) / filename
        temporary = target.with_name(f".{filename}.tmp")  # one name, so that leftovers do not pile up
        try:
            super().save_checkpoint(
                out_dir,
                temporary.name,
                file_client_args,
                save_optimizer,
                save_param_scheduler,
                meta,
                by_epoch,
                backend_args,
            )
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise InputError(
                f"{target}: the checkpoint cannot be written ({error.strerror}); free some space or choose "
                "another work folder, then go on with --resume"
            ) from error

    def _build_param_scheduler(self, scheduler: Any, optim_wrapper: OptimWrapper) -> list:
        """Fill in what a OneCycleLR can know from the loop and the optimizer."""
        schedulers = scheduler if isinstance(scheduler, (list, tuple)) else [scheduler]
        filled = []
        for one in schedulers:
            if isinstance(one, dict) and one.get("type") == "OneCycleLR":
                if self.max_iters * one.get("pct_start", 0.3) <= 1:
                    raise InputError(
                        f"param_scheduler: a OneCycleLR over {self.max_iters} iterations has no room to rise; "
                        "train for more iterations"
                    )
                one = {
                    "by_epoch": False,
                    "total_steps": self.max_iters,
                    "eta_max": [group["lr"] for group in optim_wrapper.param_groups],
                    **one,
                }
            filled.append(one)
        return super()._build_param_scheduler(filled, optim_wrapper)

    def unwrap_model(self) -> None:
        """Let go of the data-parallel wrapper around the model, when the process group is about to end."""
        if is_model_wrapper(self.model):
            self.model = self.model.module

    # Building: the same as mmengine's, with errors that name the part of the config.

    def build_model(self, model: Any) -> torch.nn.Module:
        with config_errors(self.cfg.filename, "model"):
            return super().build_model(model)

    def register_hooks(self, default_hooks: dict | None = None, custom_hooks: list | None = None) -> None:
        with config_errors(self.cfg.filename, "hooks"):
            super().register_hooks(default_hooks, custom_hooks)

    def build_train_loop(self, loop: Any) -> BaseLoop:
        with config_errors(self.cfg.filename, "train_cfg and train_dataloader"):
            return super().build_train_loop(loop)

    def build_val_loop(self, loop: Any) -> BaseLoop:
        with config_errors(self.cfg.filename, "val_cfg and val_dataloader"):
            return super().build_val_loop(loop)

    def build_test_loop(self, loop: Any) -> BaseLoop:
        with config_errors(self.cfg.filename, "test_cfg and test_dataloader"):
            return super().build_test_loop(loop)

    def build_evaluator(self, evaluator: Any) -> Evaluator:
        with config_errors(self.cfg.filename, "evaluator"):
            return super().build_evaluator(evaluator)

    def build_optim_wrapper(self, optim_wrapper: Any) -> OptimWrapper:
        with config_errors(self.cfg.filename, "optim_wrapper"):
            return super().build_optim_wrapper(optim_wrapper)

    def build_param_scheduler(self, scheduler: Any) -> Any:
        with config_errors(self.cfg.filename, "param_scheduler"):
            return super().build_param_scheduler(scheduler)
