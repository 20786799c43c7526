"""Repeated augmentation: the same pictures several times in a batch, each time another view."""

from collections.abc import Sized

from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS
from timm.data.distributed_sampler import RepeatAugSampler as TimmRepeatAugSampler

from depthkit.errors import InputError


@DATA_SAMPLERS.register_module()
class RepeatAugSampler(TimmRepeatAugSampler):
    """timm's sampler of DeiT's repeated augmentation (Hoffer et al., CVPR 2020), as mmengine builds samplers.

    An epoch is as long as ever, of a third of the pictures three times each; several processes get different
    views of the same ones.

    Args:
        dataset: any.
        num_repeats: how often a picture comes in one epoch.
        seed: of the order, with the epoch's number.

    Raises:
        InputError: `num_repeats` is no positive whole number.
    """

    def __init__(self, dataset: Sized, num_repeats: int = 3, seed: int | None = None) -> None:
        if not isinstance(num_repeats, int) or num_repeats < 1:
            raise InputError(f"RepeatAugSampler: num_repeats={num_repeats!r}; expected 1 or more")
        rank, processes = get_dist_info()
        super().__init__(dataset, processes, rank, shuffle=True, num_repeats=num_repeats)
        self.seed = seed or 0
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch."""
        super().set_epoch(self.seed + epoch)
