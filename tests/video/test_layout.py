"""Frames are drawn as images are, only faster."""

import numpy as np
import pytest

from clips import predict_grey, predict_relative
from depthkit.video.clip_range import ClipRange
from depthkit.video.layout import Layout
from depthkit.visualization.disparity_map import draw_disparity_beside, draw_disparity_map

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize("colormap", [None, "viridis"])
@pytest.mark.parametrize("size", [(48, 64), (360, 500), (20, 300), (1200, 900)])
def test_a_frame_is_the_drawing_of_its_image(size, side_by_side, colormap):
    first, second = (predict_grey(RNG.integers(0, 255, (*size, 3), np.uint8)) for _ in range(2))
    ends = (1.5, 3.0)
    layout = Layout(first, ClipRange(ends, (1.0, 3.5), 2), side_by_side, colormap)
    for result in (first, second):
        np.testing.assert_array_equal(layout.draw(result), result.colored(ends, side_by_side, colormap))


@pytest.mark.parametrize("size", [(48, 64), (1, 1), (2, 9)])
def test_relative_results_and_tiny_ones(size):
    image = RNG.integers(0, 255, (*size, 3), np.uint8)
    result, ends = predict_relative(image), (-1.0, 300.0)
    for side_by_side in (False, True):
        drawn = Layout(result, ClipRange(ends, (0.0, 255.0), 1), side_by_side, None).draw(result)
        expected = (
            draw_disparity_beside(image, result.values, ends)
            if side_by_side
            else draw_disparity_map(result.values, ends)
        )
        np.testing.assert_array_equal(drawn, expected)
