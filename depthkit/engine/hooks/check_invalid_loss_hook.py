"""Stop when the loss is no number any more, before that reaches a checkpoint."""

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from depthkit.errors import InputError
from depthkit.registry import HOOKS


@HOOKS.register_module()
class CheckInvalidLossHook(Hook):
    """Checks the loss of every iteration; acts before hooks that save or average weights."""

    priority = "VERY_HIGH"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Raises:
        InputError: NaN or infinite loss; names the iteration, the losses and the pictures of the batch.
        """
        losses = {name: torch.as_tensor(value) for name, value in (outputs or {}).items() if "loss" in name}
        # A finite loss with a gradient that is not has spoiled the weights too (a loss scaler skips such steps).
        norms = runner.message_hub.log_scalars.get("train/grad_norm")
        if norms is not None and not hasattr(runner.optim_wrapper, "loss_scaler"):
            losses["grad_norm"] = torch.as_tensor(norms.current())
        bad = [name for name, value in losses.items() if not torch.isfinite(value).all()]
        # Gradients are averaged over processes, so one process's NaN is in the weights of all.
        counts = torch.tensor(float(len(bad)), device=next(runner.model.parameters()).device)
        all_reduce(counts, "sum")
        if not counts:
            return
        bad = bad or ["the loss of another process"]
        samples = (data_batch or {}).get("data_samples", [])
        paths = [str(sample.metainfo.get("img_path", "?")) for sample in samples]
        raise InputError(
            f"iteration {runner.iter + 1}: {', '.join(bad)} is not finite, so training stops and this state is "
            f"not saved; check these pictures and their depth: {', '.join(paths) or 'unknown'}; if they are right, "
            "use a lower learning rate or no --amp, and go on from the last checkpoint with --resume"
        )
