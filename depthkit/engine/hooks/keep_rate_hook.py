"""Annealing the keep rate of a token selecting backbone while it trains."""

import math
from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from depthkit.errors import InputError
from depthkit.registry import HOOKS


def annealed_keep_rate(start: float, target: float | Sequence[float], progress: float) -> float | tuple[float, ...]:
    """The rate between `start` (progress 0) and `target` (progress 1 and more) on a cosine; one for each
    target. Where the target is 1 nothing is selected, and nothing is on the way there."""
    if not isinstance(target, int | float):
        return tuple(annealed_keep_rate(start, one, progress) for one in target)
    if target == 1:
        return 1.0
    left = (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0))) / 2
    return target + (start - target) * left


@HOOKS.register_module()
class KeepRateHook(Hook):
    """Sets ``model.backbone.keep_rate`` before each training iteration, from `start` down to what it was
    built with.

    For ToSA and EViT. The schedule is EViT's (Liang et al., ICLR 2022): a cosine, after a warm-up at `start`.
    Validation, and everything after training, see the final rate. It depends on the iteration only, so a
    resumed training goes on where it was. What is logged is the mean over the layers that select in the end.

    Args:
        start: the rate at first.
        duration: part of the training's iterations after which the final rate is reached, in (0, 1].
        warmup: part of the iterations that stay at `start`, below `duration`.

    Raises:
        InputError: an argument out of range; before training, a model without ``backbone.keep_rate``.
    """

    priority = "NORMAL"

    def __init__(self, start: float = 1.0, duration: float = 0.5, warmup: float = 0.0) -> None:
        if not 0 < start <= 1:
            raise InputError(f"KeepRateHook: start={start!r}; expected a number above 0 and at most 1")
        if not 0 <= warmup < duration <= 1:
            raise InputError(
                f"KeepRateHook: warmup={warmup!r}, duration={duration!r}; expected parts of the training, "
                "0 <= warmup < duration <= 1"
            )
        self.start = start
        self.duration = duration
        self.warmup = warmup
        self.target: float | tuple[float, ...] = start

    def before_train(self, runner: Runner) -> None:
        """Take note of the final rate."""
        backbone = _backbone(runner)
        if not hasattr(backbone, "keep_rate"):
            raise InputError(
                f"KeepRateHook: the model has no backbone with a keep_rate ({type(backbone).__name__}); use "
                "it with ToSA or another backbone that selects tokens, or take it out of custom_hooks"
            )
        self.target = backbone.keep_rate

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Set the rate of this iteration, and log it."""
        progress = (runner.iter / runner.max_iters - self.warmup) / (self.duration - self.warmup)
        rate = annealed_keep_rate(self.start, self.target, progress)
        _backbone(runner).keep_rate = rate
        runner.message_hub.update_scalar("train/keep_rate", self._mean(rate))

    def before_val(self, runner: Runner) -> None:
        """Set the final rate: what is validated is what will be used."""
        _backbone(runner).keep_rate = self.target

    def after_train(self, runner: Runner) -> None:
        """Leave the model at the final rate."""
        _backbone(runner).keep_rate = self.target

    def _mean(self, rate: float | tuple[float, ...]) -> float:
        if not isinstance(rate, tuple):
            return rate
        selecting = [one for one, target in zip(rate, self.target, strict=True) if target < 1]
        return sum(selecting) / len(selecting) if selecting else 1.0


def _backbone(runner: Runner) -> object:
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return getattr(model, "backbone", None)
