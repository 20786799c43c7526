"""Show a progress bar with the time left, on a terminal; elsewhere the log prints its lines."""

import logging
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tqdm import tqdm

from depthkit.engine.console import console_level
from depthkit.registry import HOOKS


@HOOKS.register_module()
class ProgressHook(Hook):
    """Show one bar for the training and one for each validation or test, with the metrics between them.

    Meanwhile the log's lines go to its file only. Where stderr is not a terminal this hook does nothing.
    """

    priority = "BELOW_NORMAL"

    def __init__(self) -> None:
        self.enabled = is_main_process() and sys.stderr.isatty()
        self._train: tqdm | None = None
        self._evaluation: tqdm | None = None
        self._console = ExitStack()

    def before_train(self, runner: Runner) -> None:
        """Open the bar, at the iteration where training starts or is resumed."""
        if self.enabled:
            self._console = console_level(runner.logger, logging.WARNING)
            self._train = tqdm(total=runner.max_iters, initial=runner.iter, desc="train", unit="it", dynamic_ncols=True)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Advance, with the epoch and the loss."""
        if self._train is not None:
            loss = float(torch.as_tensor((outputs or {}).get("loss", float("nan"))).detach())
            self._train.set_postfix_str(f"epoch {runner.epoch + 1}/{runner.max_epochs}, loss {loss:.4g}", refresh=False)
            self._train.update()

    def after_train(self, runner: Runner) -> None:
        """Close the bar and let the log print again."""
        if self._train is not None:
            self._train.close()
            self._train = None
            self._console.close()

    def before_val(self, runner: Runner) -> None:
        """Open the validation's bar."""
        self._open_evaluation("validate", len(runner.val_dataloader))

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Sequence | None = None
    ) -> None:
        """Advance."""
        if self._evaluation is not None:
            self._evaluation.update()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Close the validation's bar and print its metrics."""
        self._close_evaluation()
        if self._train is not None:
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in (metrics or {}).items())
            self._train.write(f"after epoch {runner.epoch}: {numbers}", file=sys.stderr)

    def before_test(self, runner: Runner) -> None:
        """Open the test's bar."""
        if self.enabled:
            self._console = console_level(runner.logger, logging.WARNING)
        self._open_evaluation("test", len(runner.test_dataloader))

    after_test_iter = after_val_iter

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Close the test's bar."""
        self._close_evaluation()

    def after_test(self, runner: Runner) -> None:
        """Let the log print again."""
        self._console.close()

    def _open_evaluation(self, name: str, batches: int) -> None:
        if self.enabled:
            self._evaluation = tqdm(total=batches, desc=name, unit="batch", leave=False, dynamic_ncols=True)

    def _close_evaluation(self) -> None:
        if self._evaluation is not None:
            self._evaluation.close()
            self._evaluation = None
