"""Ranges of colours: of one map, of many, readable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.visualization import DEFAULT_RANGE, SharedRange, readable_range
from depthkit.visualization.color_range import check_metres


@pytest.mark.parametrize(
    ("depth", "limits", "expected"),
    [
        ([1.53, 2.47], None, (1.5, 2.5)),
        ([0.31, 7.9], None, (0, 8)),
        ([12.0, 71.0], None, (10, 75)),
        ([2.0, 2.0], None, (1.75, 2.25)),  # flat: no more than noise is not stretched
        ([0.0, np.nan, -1], None, (0, 10)),
        ([1.0, 9.7], (0, 9.5), (1, 9.5)),
        ([1.0], (3, 5), (0, 10)),
    ],
)
def test_readable_ranges(depth, limits, expected):
    values = np.repeat(np.array(depth, np.float32), 100).reshape(1, -1)
    assert readable_range(values, limits) == pytest.approx(expected)


@given(
    low=st.floats(1e-3, 1e3),
    ratio=st.floats(1, 100),
)
def test_a_readable_range_holds_nearly_all_and_little_more(low, ratio):
    depth = np.linspace(low, low * ratio, 500).reshape(20, 25)
    near, far = readable_range(depth)
    inside = (depth >= near) & (depth <= far)
    assert inside.mean() >= 0.955 and near >= 0
    assert far - near <= 1.5 * max(0.25 * depth.mean(), depth.max() - depth.min())


def test_a_shared_range_is_that_of_all_maps_together():
    shared = SharedRange()
    assert shared.ends() == DEFAULT_RANGE
    maps = [np.linspace(low, low + 1, 600).reshape(20, 30) for low in (1, 4, 2)]
    for depth in (*maps, np.full((4, 4), np.nan)):
        shared.add(depth)
    assert shared.ends() == readable_range(np.concatenate(maps)) == (1, 5)


def test_each_map_counts_as_much_as_any_other():
    shared = SharedRange()
    for depth in (np.full((400, 400), 2.0), *[np.full((4, 4), 8.0)] * 9):
        shared.add(depth)
    low, high = shared.ends()
    assert low <= 2 and high >= 8


def test_one_map_of_many_does_not_set_the_range():
    shared = SharedRange()
    for far in (*[3.0] * 99, 500.0):
        shared.add(np.linspace(1, far, 100).reshape(10, 10))
    assert shared.ends()[1] < 5


@pytest.mark.parametrize("given", [(-1, 5), (5, 1), (0, float("inf"))])
def test_a_range_that_no_depth_has_is_an_error(given):
    with pytest.raises(InputError, match="expected two depths in metres"):
        check_metres(given)
    assert check_metres((0, 5)) == (0.0, 5.0)
