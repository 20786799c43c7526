"""Relative disparities in colour: near is bright, and nobody takes it for metres."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.visualization import (
    colorize,
    colorize_disparity,
    disparity_range,
    draw_depth_map,
    draw_disparity_beside,
    draw_disparity_map,
)
from depthkit.visualization.palette import INVALID_COLOR

GREY = np.full((60, 1000, 3), 99, np.uint8)


def test_near_is_bright_and_far_is_dark():
    brightness = colorize_disparity(np.linspace(0, 5, 100)[None]).astype(int).sum(axis=2)[0]
    assert (np.diff(brightness) >= 0).all() and brightness[0] < 30 and brightness[-1] > 600


def test_no_colour_but_that_of_invalid_and_the_darkest_is_also_one_of_metres():
    relative = colorize_disparity(np.linspace(0, 5, 1000)[None])[0].astype(int)
    metric = colorize(np.linspace(1e-3, 10, 1000)[None])[0].astype(int)
    bright = relative[relative.sum(axis=1) > 200]
    assert np.abs(bright[:, None] - metric).sum(axis=2).min() > 30
    assert np.abs(relative - INVALID_COLOR).sum(axis=1).min() > 30


def test_colours_are_the_same_under_any_scale_and_shift():
    disparity = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.float32)
    np.testing.assert_array_equal(colorize_disparity(disparity), colorize_disparity(4 * disparity + 64))


def test_single_pixels_do_not_set_the_range():
    disparity = np.random.default_rng(0).uniform(2, 6, (100, 100))
    expected = disparity_range(disparity)
    disparity[0, :3] = 1e6, -1e6, np.nan
    assert disparity_range(disparity) == pytest.approx(expected, rel=0.01)
    assert expected == pytest.approx((2.08, 5.92), abs=0.05)


def test_the_range_of_a_large_map_is_that_of_a_small_one():
    disparity = np.random.default_rng(0).uniform(2, 6, (1500, 2000)).astype(np.float32)
    assert disparity_range(disparity) == pytest.approx(tuple(np.percentile(disparity, (2, 98))), abs=0.01)


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    value=st.one_of(st.floats(width=32), st.sampled_from([0.0, float("nan"), float("inf"), 3.0])),
)
def test_any_map_of_any_size_can_be_coloured(shape, value):
    image = colorize_disparity(np.full(shape, value, np.float32))
    assert image.shape == (*shape, 3) and image.dtype == np.uint8
    low, high = disparity_range(np.full(shape, value, np.float32))
    assert low < high


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (64, 48)])
def test_odd_sizes_can_be_drawn(shape):
    disparity, image = np.ones(shape), np.zeros((*shape, 3), np.uint8)
    for drawn in (draw_disparity_map(disparity), draw_disparity_beside(image, disparity)):
        assert drawn.dtype == np.uint8 and drawn.shape[2] == 3


def test_a_drawn_map_holds_the_coloured_one_and_another_bar_than_metres():
    disparity = np.random.default_rng(0).uniform(0, 10, (330, 350)).astype(np.float32)
    drawn, metric = draw_disparity_map(disparity), draw_depth_map(disparity)
    top = left = 6
    assert (drawn[top : top + 330, left : left + 350] == colorize_disparity(disparity)).all()
    bars = [image[:, left + 356 :] for image in (drawn, metric)]
    assert bars[0].shape == bars[1].shape and len(np.unique(bars[0].reshape(-1, 3), axis=0)) > 200
    colors = [{tuple(color) for color in bar.reshape(-1, 3) if np.ptp(color.astype(int)) > 60} for bar in bars]
    assert not colors[0] & colors[1]


def test_equal_values_are_neither_near_nor_far():
    for value in (0.0, 5.0, -3.0):
        (color,) = np.unique(colorize_disparity(np.full((3, 4), value)).reshape(-1, 3), axis=0)
        middle = colorize_disparity(np.array([[0.0, 0.5, 1.0]]), (0, 1))[0, 1]
        assert (color == middle).all()


def test_the_bar_gets_an_arrow_at_each_end_that_some_value_exceeds():
    disparity = np.full((330, 350), 5.0)
    inside, nearer, farther = (disparity.copy() for _ in range(3))
    nearer[0, 0], farther[0, 0] = 9, 1
    pointed = []
    for values in (inside, nearer, farther):
        bar = (draw_disparity_map(values, (2, 8))[:, 366:382] < 240).any(axis=2)
        ink = bar.sum(axis=1)[bar.any(axis=1)]
        pointed.append((bool(ink[0] < 8), bool(ink[-1] < 8)))
    assert pointed == [(False, False), (False, True), (True, False)], "far is above, near is below"


@pytest.mark.parametrize("draw", [draw_disparity_map, lambda disparity: draw_disparity_beside(GREY, disparity)])
def test_the_label_of_a_flat_image_is_complete(draw):
    drawn = draw(np.random.default_rng(0).uniform(0, 10, (60, 1000)).astype(np.float32))
    below = drawn[-(drawn.shape[0] - 70) :]
    assert drawn.shape[1] < 1050 and (below < 128).any()
    assert (below[-1] == 255).all() and (below[:, [0, -1]] == 255).all()


def test_what_is_no_map_is_refused():
    with pytest.raises(InputError, match="expected one map"):
        colorize_disparity(np.ones((1, 2, 2)))
