from collections import Counter

import pytest

from depthkit.datasets import RepeatAugSampler
from depthkit.errors import InputError


def test_an_epoch_is_a_third_of_the_pictures_three_times():
    sampler = RepeatAugSampler(range(300), seed=0)
    indices = list(sampler)
    assert len(indices) == len(sampler) == 256  # timm's: whole multiples of 256
    assert indices[:6:3] == indices[1:6:3] == indices[2:6:3]  # one after the other: in one batch
    assert set(Counter(indices[:255]).values()) == {3}


def test_the_order_is_of_seed_and_epoch():
    orders = []
    for seed, epoch in ((0, 0), (0, 1), (5, 0), (0, 1)):
        sampler = RepeatAugSampler(range(90), seed=seed)
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[1] == orders[3]
    assert orders[0] != orders[1] and orders[0] != orders[2]


def test_one_repeat_is_every_picture_once():
    assert sorted(RepeatAugSampler(range(100), num_repeats=1)) == list(range(100))


def test_a_number_that_is_none():
    with pytest.raises(InputError, match="num_repeats=0: expected a number of 1 or more"):
        RepeatAugSampler(range(9), num_repeats=0)
