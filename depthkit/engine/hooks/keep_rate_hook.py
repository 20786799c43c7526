"""Anneal the keep rate of a token selecting backbone while it trains."""

import math
from collections.abc import Sequence
from typing import Annotated

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from pydantic import Field

from depthkit.errors import InputError
from depthkit.registry import HOOKS
from depthkit.utils.validation import Probability, validate_arguments


def annealed_keep_rate(start: float, target: float | Sequence[float], progress: float) -> float | tuple[float, ...]:
    """Return the keep rate at `progress` on a cosine from `start` (0) to `target` (1 and more).

    Several targets give one rate each. A target of 1 selects nothing, so its rate is 1 throughout.
    """
    if not isinstance(target, int | float):
        return tuple(annealed_keep_rate(start, one, progress) for one in target)
    if target == 1:
        return 1.0
    left = (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0))) / 2
    return target + (start - target) * left


@HOOKS.register_module()
class KeepRateHook(Hook):
    """Anneal ``model.backbone.keep_rate`` from `start` to its own value while ToSA or EViT trains.

    The schedule is that of EViT (Liang et al., ICLR 2022): a cosine, after a warm-up at `start`. Validation, and
    everything after training, use the final rate. The rate depends on the iteration only, so a resumed training
    has the same schedule. The log has the mean over the layers that select in the end.

    Args:
        start: the rate at the beginning, in (0, 1].
        duration: fraction of the training's iterations after which the final rate is reached, in (0, 1].
        warmup: fraction of the iterations that stay at `start`, below `duration`.

    Raises:
        InputError: an argument out of range; before training, a model without ``backbone.keep_rate``.
    """

    priority = "NORMAL"

    @validate_arguments
    def __init__(
        self,
        start: Annotated[float, Field(gt=0, le=1)] = 1.0,
        duration: Probability = 0.5,
        warmup: Probability = 0.0,
    ) -> None:
        if not warmup < duration:
            raise InputError(f"KeepRateHook: warmup={warmup!r}: expected less than duration={duration!r}")
        self.start = start
        self.duration = duration
        self.warmup = warmup
        self.target: float | tuple[float, ...] = start

    def before_train(self, runner: Runner) -> None:
        """Remember the final rate."""
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
        """Set the final rate, because that is what will be used."""
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
