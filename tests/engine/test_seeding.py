import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler, DataLoader, Dataset

import depthkit.engine.seeding
from depthkit.engine.seeding import seed_iteration, seeded


class Draws(Dataset):
    """Each sample is its index and what it draws from every generator."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[float, ...]:
        return index, random.random(), float(np.random.rand()), float(torch.rand(()))


class Twice:
    """A sampler that gives every index twice."""

    def __iter__(self) -> Iterator[int]:
        return iter([0, 0, 1, 1])

    def __len__(self) -> int:
        return 4


def loader(workers: int = 0, batch_size: int = 2, sampler: object = None) -> DataLoader:
    sampler = sampler or DefaultSampler(Draws(), seed=3)
    of_workers = {"multiprocessing_context": "fork", "persistent_workers": True} if workers else {}
    made = DataLoader(Draws(), batch_size, sampler=sampler, num_workers=workers, collate_fn=list, **of_workers)
    return seeded(made)


def draw(made: DataLoader, seed: int = 0, epoch: int = 0, skip: int = 0) -> list[tuple]:
    made.batch_sampler.start(seed, epoch, skip)
    return [sample for batch in made for sample in batch]


@pytest.fixture
def process(monkeypatch):
    """`process(1, 2)`: this is the second of two processes."""

    def be(rank: int, processes: int) -> None:
        monkeypatch.setattr(depthkit.engine.seeding, "get_dist_info", lambda: (rank, processes))
        monkeypatch.setattr("mmengine.dataset.sampler.get_dist_info", lambda: (rank, processes))

    return be


def test_a_sample_draws_the_same_whatever_happened_before_and_in_any_number_of_workers() -> None:
    alone = draw(loader())
    torch.manual_seed(5)
    assert draw(loader()) == alone
    two = loader(workers=2)
    assert draw(two) == alone
    assert draw(two, epoch=1) == draw(loader(), epoch=1), "the workers persist"


def test_batches_that_are_skipped_change_nothing_in_the_others() -> None:
    made = loader()
    assert draw(made, skip=3) == draw(made)[6:]
    assert draw(made, skip=4) == []
    assert len(made) == 4


def test_epochs_seeds_and_repetitions_draw_other_numbers() -> None:
    made = loader()
    drawn = [sample[1:] for how in ({}, {"epoch": 1}, {"seed": 1}) for sample in draw(made, **how)]
    drawn += [sample[1:] for sample in draw(loader(sampler=Twice()), epoch=2)]
    for column in zip(*drawn, strict=True):
        assert len(set(column)) == len(drawn)


def test_two_processes_draw_what_one_draws(process) -> None:
    alone = draw(loader())
    shares = []
    for rank in (0, 1):
        process(rank, 2)
        shares.append(draw(loader(batch_size=1)))
    assert [sample for pair in zip(*shares, strict=True) for sample in pair] == alone


def test_a_batch_sampler_of_the_user_is_kept() -> None:
    batches = BatchSampler(DefaultSampler(Draws(), seed=3), 3, drop_last=False)
    made = seeded(DataLoader(Draws(), batch_sampler=batches, collate_fn=list))
    assert [len(batch) for batch in made] == [3, 3, 2]
    assert [sample[1:] for batch in made for sample in batch] == [sample[1:] for sample in draw(loader())]


def test_each_iteration_and_each_process_draws_its_own(process) -> None:
    def numbers(seed: int, iteration: int) -> tuple[float, ...]:
        seed_iteration(seed, iteration)
        return Draws()[0][1:]

    first = numbers(0, 0)
    assert numbers(0, 0) == first
    process(1, 2)
    others = [numbers(0, 0), numbers(0, 1), numbers(1, 0)]
    assert len({first, *others}) == 4
