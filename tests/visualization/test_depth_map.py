"""Depth maps in colour: colours that say near and far, bars that can be read, NaN-safe."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.visualization import colorize, draw_depth_map, draw_side_by_side
from depthkit.visualization.depth_map import relative_error
from depthkit.visualization.palette import INVALID_COLOR


def find(picture, part):
    """Where `part` is in `picture`, pixel for pixel: (row, column), or None."""
    rows, columns = part.shape[:2]
    for row in range(picture.shape[0] - rows + 1):
        for column in range(picture.shape[1] - columns + 1):
            if (picture[row : row + rows, column : column + columns] == part).all():
                return row, column
    return None


def test_near_is_red_and_far_is_blue():
    (near, far) = colorize(np.array([[1.0, 9.0]]))[0].astype(int)
    assert near[0] > 150 > near[2] and far[2] > 100 > far[0]


def test_the_range_is_fixed_so_that_a_wrong_scale_shows():
    depth = np.linspace(0.5, 2, 100).reshape(10, 10)
    assert (colorize(depth) != colorize(depth * 4)).any(axis=2).all()
    doubled_range = colorize(depth * 2, (0, 20))
    assert (colorize(depth, (0, 10)) == doubled_range).all()


def test_what_is_no_depth_is_grey_and_nothing_else_is():
    depth = np.array([[np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-3, 5.0, 10.0, 99.0]])
    grey = (colorize(depth) == INVALID_COLOR).all(axis=2)[0]
    assert grey.tolist() == [True] * 5 + [False] * 4


def test_beyond_the_range_has_the_colour_of_that_end():
    colors = colorize(np.array([[0.5, 1.0, 3.0, 7.0]]), (1, 3))[0]
    assert (colors[0] == colors[1]).all() and (colors[2] == colors[3]).all()


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    value=st.one_of(st.floats(width=32), st.sampled_from([0.0, float("nan"), float("inf"), 3.0])),
)
def test_any_map_of_any_size_can_be_coloured(height, width, value):
    picture = colorize(np.full((height, width), value, np.float32))
    assert picture.shape == (height, width, 3) and picture.dtype == np.uint8


def test_a_drawn_map_holds_the_coloured_one_pixel_for_pixel():
    depth = np.random.default_rng(0).uniform(0, 10, (330, 350)).astype(np.float32)
    depth[5:20, 5:20] = np.nan
    drawn = draw_depth_map(depth)
    top, left = find(drawn[:60, :400], colorize(depth)[:10])
    assert (drawn[top : top + 330, left : left + 350] == colorize(depth)).all()
    bar = drawn[:, left + 350 :]
    assert len(np.unique(bar.reshape(-1, 3), axis=0)) > 200, "the colour bar shows the colours"


def test_a_small_map_is_enlarged_by_a_whole_factor():
    depth = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    drawn = draw_depth_map(depth)
    block = colorize(depth).repeat(107, axis=0).repeat(107, axis=1)
    assert find(drawn[:20, :340], block[:1]) is not None


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (2000, 1500)])
def test_odd_sizes_can_be_drawn(shape):
    drawn = draw_depth_map(np.full(shape, 2.0))
    assert drawn.dtype == np.uint8 and drawn.shape[2] == 3
    photo = np.zeros((*shape, 3), np.uint8)
    assert draw_side_by_side(photo, np.full(shape, 2.0), np.zeros(shape)).ndim == 3


def test_the_bar_is_in_proportion_to_a_large_image():
    widths = [draw_depth_map(np.full((height, 40), 2.0)).shape[1] - 40 for height in (1500, 6000)]
    assert widths[1] / widths[0] == pytest.approx(4, rel=0.02)


def test_the_label_of_a_large_image_keeps_away_from_the_numbers():
    bar = draw_depth_map(np.full((3000, 40), 2.0), (0, 20))[:, 170:]
    inked = (bar < 128).any(axis=(0, 2))
    starts = np.flatnonzero(np.diff(inked.astype(int)) == 1)
    ends = np.flatnonzero(np.diff(inked.astype(int)) == -1)
    assert starts[-1] - ends[-2] > 20, "white columns between the longest number and the label"


def test_a_map_without_any_depth_can_be_drawn():
    draw_depth_map(np.full((40, 50), np.nan))
    draw_side_by_side(np.zeros((40, 50, 3), np.uint8), np.full((40, 50), np.nan), np.zeros((40, 50)))


def test_the_bar_gets_an_arrow_where_depth_lies_beyond_it():
    inside, beyond = np.full((330, 350), 5.0), np.full((330, 350), 5.0)
    beyond[0, 0] = 11
    bars = [draw_depth_map(depth)[:, 370:] for depth in (inside, beyond)]
    assert (bars[0] != bars[1]).any()
    beyond[0, 0] = np.inf  # no depth, so it is not beyond
    assert (draw_depth_map(beyond)[:, 370:] == bars[0]).all()


def test_side_by_side_has_image_truth_prediction_and_error_of_one_height():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (360, 480, 3), dtype=np.uint8)
    pred, gt = rng.uniform(1, 5, (360, 480)), rng.uniform(1, 5, (90, 120))
    drawn = draw_side_by_side(photo, pred, gt, (0, 6))
    shown = [photo, colorize(gt, (0, 6)).repeat(4, axis=0).repeat(4, axis=1), colorize(pred, (0, 6))]
    tops, lefts = zip(*(find(drawn[:60], part[:4]) for part in shown), strict=True)
    assert len(set(tops)) == 1 and list(lefts) == sorted(lefts)
    for part, left in zip(shown, lefts, strict=True):
        assert (drawn[tops[0] : tops[0] + 360, left : left + 480] == part).all()
    assert draw_side_by_side(photo, pred, depth_range=(0, 6)).shape[1] < 0.6 * drawn.shape[1]


def test_the_error_is_white_where_it_is_right_red_too_near_blue_too_far_and_grey_where_unknown():
    gt = np.array([[2.0, 2, 2, 0]]).repeat(2, axis=0).repeat(100, axis=0).repeat(100, axis=1)
    pred = np.array([[2.0, 1.6, 3, 1]]).repeat(2, axis=0).repeat(100, axis=0).repeat(100, axis=1)
    drawn = draw_side_by_side(np.zeros((200, 400, 3), np.uint8), pred, gt, (1, 4))
    grey = (drawn[100] == INVALID_COLOR).all(axis=1)
    right, near, far, _ = (drawn[100, int(grey.nonzero()[0][-1]) - 350 + 100 * i].astype(int) for i in range(4))
    assert right.min() > 240 and near[0] - near[2] > 60 and far[2] - far[0] > 60


def test_the_error_of_a_prediction_of_another_size_is_that_at_the_size_of_the_truth():
    error = relative_error(np.full((3, 4), 2.2), np.array([[2.0, 0, np.nan], [4, 1, 2.2]]))
    np.testing.assert_allclose(error, [[0.1, np.nan, np.nan], [-0.45, 1.2, 0]], atol=1e-6)


def test_wide_images_stand_above_each_other_and_their_bar_below():
    depth = np.random.default_rng(0).uniform(1, 5, (200, 900)).astype(np.float32)
    drawn = draw_depth_map(depth, (0, 6))
    assert find(drawn[:60, :60], colorize(depth, (0, 6))[:10, :10]) and drawn.shape[1] < 940 and drawn.shape[0] > 240
    both = draw_side_by_side(np.zeros((200, 900, 3), np.uint8), depth, depth_range=(0, 6))
    assert both.shape[1] < 940 and both.shape[0] > 440


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((6000, 8000), marks=pytest.mark.slow),
        (5000, 1),
        (1, 5000),
        (60, 60),
        (480, 640),
        (900, 6000),
        (960, 540),
    ],
)
def test_text_is_readable_where_the_whole_result_fits_the_screen(shape):
    """Ink of the numbers is at least 8 px high on a screen of 1500x1000 px, and nowhere touches the border."""
    drawn = draw_depth_map(np.broadcast_to(np.float32(2), shape), (0, 10))
    dark = (drawn < 100).all(axis=2)
    assert not (dark[0].any() or dark[-1].any() or dark[:, 0].any() or dark[:, -1].any())
    scale = min(1, 1500 / drawn.shape[1], 1000 / drawn.shape[0])
    wide = shape[1] > 2 * shape[0]
    ink = dark[-(drawn.shape[0] - shape[0]) :].any(axis=1) if wide else dark[:, shape[1] + 40 :].any(axis=1)
    edges = np.flatnonzero(np.diff(ink.astype(int)))
    heights = np.diff(edges)[::2]
    assert scale * heights.max() >= 8


def test_colours_can_be_chosen_and_their_first_is_near():
    depth = np.array([[1.0, 3.0, np.nan]])
    near, far, invalid = colorize(depth, (1, 3), "viridis")[0].tolist()
    assert (near, far, tuple(invalid)) == ([68, 1, 84], [253, 231, 37], INVALID_COLOR)
    assert (colorize(depth, (1, 3), "viridis_r")[0, :2] == [far, near]).all()
    grey = colorize(depth, (1, 3), "gray")[0]
    assert len({tuple(color) for color in grey.tolist()}) == 3 and np.ptp(grey[2].astype(int)) > 100
    with pytest.raises(InputError, match=r"colormap 'virids': is not a name of matplotlib's; did you mean viridis\?"):
        colorize(depth, (1, 3), "virids")
    with pytest.raises(InputError, match="expected one of them, such as turbo_r, viridis, cividis"):
        colorize(depth, (1, 3), "0")


@pytest.mark.parametrize("depth_range", [(1, 1), (5, 2), (0, np.inf), (np.nan, 3)])
def test_an_empty_range_is_refused(depth_range):
    with pytest.raises(InputError, match="two depths in metres"):
        colorize(np.ones((2, 2)), depth_range)


def test_what_is_no_map_is_refused():
    with pytest.raises(InputError, match="expected one depth map"):
        colorize(np.ones((1, 2, 2)))


def test_pyplot_is_left_alone():
    import sys

    draw_depth_map(np.ones((4, 4)))
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
