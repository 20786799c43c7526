"""A training loop over epochs that may end, and be resumed, in the middle of one."""

from collections.abc import Iterator

from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from depthkit.errors import InputError
from depthkit.registry import LOOPS
from depthkit.utils.validation import Count, Index, validate_arguments


@LOOPS.register_module()
class TrainLoop(EpochBasedTrainLoop):
    """Epochs of training with a validation every `val_interval` of them, and after the last.

    It ends after `max_epochs` or `max_iters`, whichever comes first (an epoch that `max_iters` cuts counts as
    one). When it is resumed inside an epoch, the images of that epoch that were used before are skipped without
    being read; the others come in the same order.

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
        given = [max_epochs * length if max_epochs else None, max_iters]
        self._max_iters = min(limit for limit in given if limit is not None)
        self._max_epochs = -(-self._max_iters // length)
        self._skip = 0

    def run(self) -> nn.Module:
        """Train to the end from where the Runner is; return the model."""
        self._skip = self._find_place()
        return super().run()

    def run_epoch(self) -> None:
        """Train on the batches of this epoch that are left, or up to the last iteration."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        skipped, self._skip = self._skip, 0
        for index, batch in enumerate(self._batches(skipped), start=skipped):
            self.run_iter(index, batch)
            if self._iter >= self._max_iters:
                break
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def _find_place(self) -> int:
        """Set the epoch from the iteration and return how many of its batches have been used."""
        length = len(self.dataloader)
        before = self.runner.message_hub.runtime_info.get("epoch_length", length)
        self.runner.message_hub.update_info("epoch_length", length)
        if before != length:
            raise InputError(
                f"train_dataloader: an epoch has {length} batches, but had {before} when the checkpoint was "
                "saved; resume with the same data, batch_size and number of processes, or start anew from its "
                "weights with load_from"
            )
        if self._iter >= self._max_iters:
            self._epoch = self._max_epochs
            return 0
        self._epoch, used = divmod(self._iter, length)
        return used

    def _batches(self, used: int) -> DataLoader:
        """Return the loader without the first `used` batches of this epoch."""
        if not used:
            return self.dataloader
        loader = self.dataloader
        return DataLoader(
            loader.dataset,
            batch_sampler=_Rest(loader.batch_sampler, used),
            num_workers=loader.num_workers,
            collate_fn=loader.collate_fn,
            pin_memory=loader.pin_memory,
            worker_init_fn=loader.worker_init_fn,
        )


class _Rest:
    """The batches of a batch sampler without the first few."""

    def __init__(self, batches: object, skip: int) -> None:
        self.batches = batches
        self.skip = skip

    def __iter__(self) -> Iterator[list[int]]:
        for index, batch in enumerate(self.batches):
            if index >= self.skip:
                yield batch

    def __len__(self) -> int:
        return len(self.batches) - self.skip
