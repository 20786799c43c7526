"""Repeated augmentation: the same images several times in a batch, each time augmented anew."""

from collections.abc import Sized

from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS
from timm.data.distributed_sampler import RepeatAugSampler as TimmRepeatAugSampler

from depthkit.utils.validation import Count, validate_arguments


@DATA_SAMPLERS.register_module()
class RepeatAugSampler(TimmRepeatAugSampler):
    """timm's sampler of repeated augmentation (Hoffer et al., CVPR 2020), with mmengine's arguments.

    An epoch keeps its length: with three repeats it has a third of the images, three times each. Several processes
    get different augmentations of the same images.

    Args:
        dataset: what is sampled.
        num_repeats: how often an image occurs in one epoch.
        seed: of the order, together with the epoch's number.

    Raises:
        InputError: an argument out of range.
    """

    @validate_arguments
    def __init__(self, dataset: Sized, num_repeats: Count = 3, seed: int | None = None) -> None:
        rank, processes = get_dist_info()
        super().__init__(dataset, processes, rank, shuffle=True, num_repeats=num_repeats)
        self.seed = seed or 0
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch."""
        super().set_epoch(self.seed + epoch)
