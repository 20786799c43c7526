"""A training loop over epochs that may end, and be resumed, in the middle of one."""

from collections.abc import Sequence

from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from depthkit.engine.seeding import seed_iteration, seeded
from depthkit.errors import InputError
from depthkit.registry import LOOPS
from depthkit.utils.validation import Count, Index, validate_arguments

VALIDATED = "iter_of_validation"  # in the message hub; a name that begins with "val" would be logged as a result


@LOOPS.register_module()
class TrainLoop(EpochBasedTrainLoop):
    """Epochs of training with a validation every `val_interval` of them, and after the last.

    It ends after `max_epochs` or `max_iters`, whichever comes first (an epoch that `max_iters` cuts counts as
    one). Resumed, it continues exactly: inside an epoch the images that were used before are skipped without being
    read, every random number is that of its place (`seeding`), and a validation that the checkpoint lacks is made up.

    Args:
        runner: the Runner.
        dataloader: loader, or its config.
        max_epochs: limit in epochs.
        max_iters: limit in iterations; one of the two is needed.
        val_begin: first epoch after which to validate.
        val_interval: epochs from one validation to the next.

    Raises:
        InputError: an argument of another type or range, neither limit, or less data than one batch.
    """

    @validate_arguments
    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        max_epochs: Count | None = None,
        max_iters: Count | None = None,
        val_begin: Index = 1,
        val_interval: Count = 1,
    ) -> None:
        if max_epochs is None and max_iters is None:
            raise InputError("train_cfg: give max_epochs, max_iters or both")
        super().__init__(runner, dataloader, max_epochs or 1, val_begin, val_interval)
        length = len(self.dataloader)
        if not length:
            raise InputError(
                f"train_dataloader: {len(self.dataloader.dataset)} images do not fill one batch of "
                f"{self.dataloader.batch_size}; use a smaller batch_size"
            )
        self.dataloader = seeded(self.dataloader)
        given = [max_epochs * length if max_epochs else None, max_iters]
        self._max_iters = min(limit for limit in given if limit is not None)
        self._max_epochs = -(-self._max_iters // length)
        self._skip = 0

    def run(self) -> nn.Module:
        """Train to the end from where the Runner is; return the model."""
        self._skip = self._find_place()
        self.runner.call_hook("before_train")
        if self._iter and not self._skip:
            self._validate()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate()
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """Train on the batches of this epoch that are left, or up to the last iteration."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        skipped, self._skip = self._skip, 0
        if skipped < len(self.dataloader) and self._iter < self._max_iters:
            self.dataloader.batch_sampler.start(self.runner.seed, self._epoch, skipped)
            for index, batch in enumerate(self.dataloader, start=skipped):
                self.run_iter(index, batch)
                if self._iter >= self._max_iters:
                    break
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Train on one batch, with the random numbers of this iteration."""
        seed_iteration(self.runner.seed, self._iter)
        super().run_iter(idx, data_batch)

    def _validate(self) -> None:
        """Validate where that is due after an epoch, unless it was done before the training was killed."""
        due = self._epoch >= self.val_begin and (
            self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        )
        done = self.runner.message_hub.runtime_info.get(VALIDATED) == self._iter
        if due and not done and self.runner.val_loop is not None:
            self.runner.val_loop.run()

    def _find_place(self) -> int:
        """Set the epoch from the iteration and return how many of its batches have been used.

        They may be all of them: a checkpoint after the last iteration of an epoch is older than the epoch's end.
        """
        length = len(self.dataloader)
        before = self.runner.message_hub.runtime_info.get("epoch_length", length)
        self.runner.message_hub.update_info("epoch_length", length)
        if before != length:
            raise InputError(
                f"train_dataloader: an epoch has {length} batches, but had {before} when the checkpoint was "
                "saved; resume with the same data, batch_size and number of processes, or start anew from its "
                "weights with load_from"
            )
        ended = self._epoch  # of the checkpoint
        epochs, used = divmod(self._iter, length)
        if self._iter >= self._max_iters:
            epochs, used = self._max_epochs, 0
        if self._iter and not used and ended == epochs - 1:
            epochs, used = ended, length
        self._epoch = epochs
        return used
