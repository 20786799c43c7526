"""Random numbers that depend only on their place in a training, so that a resumed one draws the same."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_dist_info
from torch.utils.data import DataLoader, Dataset

# What the numbers are drawn for; part of the seed, so that a sample and an iteration never share theirs.
_SAMPLE, _ITERATION = 0, 1
_KEPT = (
    "num_workers",
    "collate_fn",
    "pin_memory",
    "timeout",
    "worker_init_fn",
    "multiprocessing_context",
    "generator",
    "prefetch_factor",
    "persistent_workers",
)

Place = tuple[int, tuple[int, int, int]]  # index of a sample; the seed, the epoch, the place in the epoch's order


def seed_iteration(seed: int, iteration: int) -> None:
    """Seed what one iteration draws in this process: dropout, mixing of images, rows of a matrix."""
    torch.manual_seed(_seed_numpy(seed, _ITERATION, iteration, get_dist_info()[0]))


def _seed_numpy(*numbers: int) -> int:
    """Seed `random` and numpy's global generator from `numbers`; return a seed for torch."""
    words = np.random.SeedSequence(numbers).generate_state(8)
    random.seed(words[:2].tobytes())
    np.random.seed(words[2:6])
    return int(words[6]) << 31 | int(words[7]) >> 1  # 63 bits: torch's seed has a sign


class SeededDataset(Dataset):
    """A data set whose samples draw their random numbers from a seed that comes with the index.

    Transforms draw from `random`, numpy and torch's generator of the CPU, in whichever worker they run.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getitem__(self, place: Place) -> Any:
        index, (seed, epoch, number) = place
        torch.default_generator.manual_seed(_seed_numpy(seed, _SAMPLE, epoch, number))
        return self.dataset[index]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name == "dataset" or name.startswith("__"):  # not yet unpickled; or torch asks whether it takes batches
            raise AttributeError(name)
        return getattr(self.dataset, name)


class SeededBatches:
    """The batches of a batch sampler, with each index the seed of its sample.

    The place of a sample counts over all processes, as mmengine's sampler deals the indices out. So it has the same
    random numbers whichever process and worker read it, and an image that occurs twice in an epoch has others.
    """

    def __init__(self, batches: Any) -> None:
        self.batches = batches
        self.sampler = batches.sampler
        self._start = (0, 0, 0)

    def start(self, seed: int, epoch: int, skip: int) -> None:
        """Choose the seed and the epoch of the next iteration over this, and how many batches it skips."""
        self._start = (seed, epoch, skip)

    def __iter__(self) -> Iterator[list[Place]]:
        seed, epoch, skip = self._start
        rank, processes = get_dist_info()
        drawn = 0
        for number, batch in enumerate(self.batches):
            if number >= skip:
                yield self._with_places(batch, seed, epoch, drawn * processes + rank, processes)
            drawn += len(batch)

    def __len__(self) -> int:
        return len(self.batches)

    def _with_places(self, batch: Sequence[int], seed: int, epoch: int, first: int, step: int) -> list[Place]:
        return [(index, (seed, epoch, first + step * number)) for number, index in enumerate(batch)]


def seeded(loader: DataLoader) -> DataLoader:
    """Return `loader` with `SeededBatches` as its ``batch_sampler`` and `SeededDataset` around its data."""
    return DataLoader(
        SeededDataset(loader.dataset),
        batch_sampler=SeededBatches(loader.batch_sampler),
        **{name: getattr(loader, name) for name in _KEPT},
    )
