import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.datasets import ShardSampler
from depthkit.errors import InputError


def sampler(counts: list[int], rank: int = 0, processes: int = 1, **options: object) -> ShardSampler:
    class Shards:
        def __len__(self) -> int:
            return sum(counts)

    dataset = Shards()
    dataset.counts = counts
    made = ShardSampler(dataset, **options)
    made.rank, made.processes = rank, processes
    return made


@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=7).filter(sum),
    open_shards=st.integers(1, 4),
    processes=st.integers(1, 4),
    shuffle=st.booleans(),
)
def test_each_image_once_and_all_processes_equally_many(counts, open_shards, processes, shuffle) -> None:
    options = {"open_shards": open_shards, "shuffle": shuffle, "seed": 3}
    alone = list(sampler(counts, **options))
    assert sorted(alone) == list(range(sum(counts)))
    dealt = [list(sampler(counts, rank, processes, **options)) for rank in range(processes)]
    assert {len(part) for part in dealt} == {len(sampler(counts, 0, processes))}
    together = [index for step in zip(*dealt, strict=True) for index in step]
    assert together[: len(alone)] == alone and len(together) - len(alone) < processes
    assert all(index in alone for index in together)


@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=8), open_shards=st.integers(1, 4))
def test_no_more_shards_are_open_than_asked_for(counts, open_shards) -> None:
    shard_of = [shard for shard, count in enumerate(counts) for _ in range(count)]
    order = [shard_of[index] for index in sampler(counts, open_shards=open_shards)]
    for place in range(len(order)):
        assert len(set(order[:place]) & set(order[place:])) <= open_shards


def test_the_order_belongs_to_seed_and_epoch() -> None:
    first, second = sampler([50, 50], seed=1), sampler([50, 50], seed=1)
    assert list(first) == list(first) == list(second)
    second.set_epoch(1)
    assert list(first) != list(second) != list(sampler([50, 50], seed=2))


def test_another_data_set_is_one_sentence() -> None:
    with pytest.raises(InputError, match="list has no shards; use it with StreamedShards"):
        ShardSampler([1, 2])
    with pytest.raises(InputError, match="open_shards"):
        sampler([1], open_shards=0)
