"""Stop training when the loss becomes NaN or infinite, before a checkpoint is saved."""

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from depthkit.errors import InputError
from depthkit.registry import HOOKS


@HOOKS.register_module()
class CheckInvalidLossHook(Hook):
    """Check the loss of every iteration, before the hooks that save or average weights."""

    priority = "VERY_HIGH"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Stop at a loss or gradient that is not finite.

        Raises:
            InputError: it names the iteration, the losses and the images of the batch.
        """
        losses = {name: torch.as_tensor(value) for name, value in (outputs or {}).items() if "loss" in name}
        # A gradient that is not finite has damaged the weights, whatever the loss (a loss scaler skips such steps).
        norms = runner.message_hub.log_scalars.get("train/grad_norm")
        if norms is not None and not hasattr(runner.optim_wrapper, "loss_scaler"):
            losses["grad_norm"] = torch.as_tensor(norms.current())
        bad = [name for name, value in losses.items() if not torch.isfinite(value).all()]
        # Gradients are averaged over processes, so the NaN of one process is in the weights of all.
        counts = torch.tensor(float(len(bad)), device=next(runner.model.parameters()).device)
        all_reduce(counts, "sum")
        if not counts:
            return
        bad = bad or ["the loss of another process"]
        samples = (data_batch or {}).get("data_samples", [])
        paths = [str(sample.metainfo.get("img_path", "?")) for sample in samples]
        raise InputError(
            f"iteration {runner.iter + 1}: {', '.join(bad)} is not finite, so training stops and this state is "
            f"not saved; check these images and their depth: {', '.join(paths) or 'unknown'}; if they are right, "
            "use a lower learning rate or no --amp, and resume from the last checkpoint with --resume"
        )
