"""A random order of images that needs only a few shards at a time."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from depthkit.errors import InputError
from depthkit.utils.validation import Count, validate_arguments


@DATA_SAMPLERS.register_module()
class ShardSampler(Sampler):
    """An order that takes each next image from one of `open_shards` shards.

    Where a shard has ended, a new one is opened. Shards and the images in a shard are in random order. An epoch has
    each image once; so that processes have equally many, the first few are taken twice, as in mmengine's
    DefaultSampler, whose dealing this has too.

    Args:
        dataset: has `counts`, the number of images in each shard, in the order of its samples.
        open_shards: how many; more mix better, and need more room.
        shuffle: False for the order of the data set.
        seed: of the order, together with the epoch's number.

    Raises:
        InputError: an argument out of range, or a data set without shards.
    """

    @validate_arguments
    def __init__(self, dataset: Any, open_shards: Count = 8, shuffle: bool = True, seed: int | None = None) -> None:
        if not hasattr(dataset, "counts"):
            raise InputError(f"ShardSampler: {type(dataset).__name__} has no shards; use it with StreamedShards")
        self.dataset, self.open_shards, self.shuffle = dataset, open_shards, shuffle
        self.seed, self.epoch = seed or 0, 0
        self.rank, self.processes = get_dist_info()

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.processes)

    def __iter__(self) -> Iterator[int]:
        first: list[int] = []
        number = 0
        for number, index in enumerate(self._order(), start=1):
            if len(first) < self.processes:
                first.append(index)
            if (number - 1) % self.processes == self.rank:
                yield index
        while number < len(self) * self.processes:
            if number % self.processes == self.rank:
                yield first[number % len(first)]
            number += 1

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch."""
        self.epoch = epoch

    def _order(self) -> Iterator[int]:
        """Yield all indices once."""
        counts = np.asarray(self.dataset.counts)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        if not self.shuffle:
            yield from range(int(counts.sum()))
            return
        draw = np.random.default_rng((self.seed, self.epoch))
        waiting = iter(draw.permutation(len(counts)))
        running: list[list[int]] = []
        while True:
            while len(running) < self.open_shards and (shard := next(waiting, None)) is not None:
                if counts[shard]:
                    running.append((starts[shard] + draw.permutation(counts[shard])).tolist())
            if not running:
                return
            place = int(draw.integers(len(running)))
            yield running[place].pop()
            if not running[place]:
                running.pop(place)
