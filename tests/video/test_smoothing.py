"""Smoothing: still scenes become still, moving ones do not lag, cuts stay cuts, relative results work too."""

from fractions import Fraction

import numpy as np
import pytest

from depthkit.apis.result import DepthResult
from depthkit.video.frame_depth import FrameDepth
from depthkit.video.smoothing import REACH, smooth

RNG = np.random.default_rng(0)
TEXTURE = RNG.integers(0, 255, (60, 80, 3), np.uint8).repeat(2, 0).repeat(2, 1)  # 120x160


def frames(maps, images=None, kind="metric"):
    images = images or [TEXTURE] * len(maps)
    return [
        FrameDepth(index, Fraction(index, 30), DepthResult(np.asarray(values, np.float32), image, kind))
        for index, (values, image) in enumerate(zip(maps, images, strict=True))
    ]


def values_of(smoothed):
    return np.stack([frame.result.values for frame in smoothed])


def flicker(values):
    return np.abs(np.diff(np.log(values), axis=0)).mean()


def still_maps(count=30, noise=0.02):
    plane = np.linspace(1, 3, 160)[None].repeat(120, 0)
    scale = np.exp(RNG.normal(0, noise, count))
    return [plane * one * np.exp(RNG.normal(0, noise, plane.shape)) for one in scale]


def test_the_frames_stay_the_same_but_for_their_values():
    given = frames(still_maps())
    smoothed = list(smooth(given))
    assert [(one.index, one.time) for one in smoothed] == [(one.index, one.time) for one in given]
    assert all(one.result.values.dtype == np.float32 and one.result.image is TEXTURE for one in smoothed)


def test_a_still_scene_flickers_less():
    maps = still_maps()
    values = values_of(smooth(frames(maps)))
    assert flicker(values) < 0.25 * flicker(np.stack(maps))
    np.testing.assert_allclose(np.median(values), np.median(maps), rtol=0.02)


@pytest.mark.parametrize("speed", [0.03, -0.03])
def test_a_camera_that_moves_evenly_does_not_lag(speed):
    """The scale of the whole frame changes evenly in log depth: nothing to take away."""
    maps = [np.full((120, 160), 2 * np.exp(speed * index)) for index in range(30)]
    np.testing.assert_allclose(values_of(smooth(frames(maps))), maps, rtol=1e-4)


def test_nothing_changes_where_nothing_flickers():
    maps = [np.linspace(1, 3, 160)[None].repeat(120, 0)] * 10
    np.testing.assert_allclose(values_of(smooth(frames(maps))), maps, rtol=1e-5)


def test_a_cut_is_not_smoothed_over():
    other = RNG.integers(0, 255, TEXTURE.shape, np.uint8)
    maps = [np.full((120, 160), 1.0)] * 10 + [np.full((120, 160), 5.0)] * 10
    values = values_of(smooth(frames(maps, [TEXTURE] * 10 + [other] * 10)))
    np.testing.assert_allclose(values, maps, rtol=1e-5)


def test_what_moves_through_a_still_scene_leaves_no_trail():
    maps, images = [], []
    for index in range(20):
        depth, image = np.full((120, 160), 4.0), TEXTURE.copy()
        depth[40:80, 6 * index : 6 * index + 30], image[40:80, 6 * index : 6 * index + 30] = 1.0, 0
        maps.append(depth)
        images.append(image)
    values = values_of(smooth(frames(maps, images)))
    wrong = np.abs(np.log(values / np.stack(maps))) > 0.1
    assert wrong.mean() < 0.02


def test_pixels_without_depth_stay_so_and_others_are_not_touched_by_them():
    maps = np.stack(still_maps())
    maps[:, :20] = 0
    maps[5, 30:40] = np.nan
    values = values_of(smooth(frames(maps)))
    np.testing.assert_array_equal(np.isfinite(values) & (values > 0), np.isfinite(maps) & (maps > 0))
    np.testing.assert_array_equal(values[:, :20], 0)


def test_relative_results_with_disparities_of_any_sign():
    disparities = [one * np.linspace(-0.2, 8, 160)[None].repeat(120, 0) for one in np.exp(RNG.normal(0, 0.03, 30))]
    values = values_of(smooth(frames(disparities, kind="relative")))
    assert np.abs(np.diff(values, axis=0)).mean() < 0.35 * np.abs(np.diff(disparities, axis=0)).mean()
    np.testing.assert_allclose(values.mean(0), np.mean(disparities, axis=0), atol=0.1)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2), (9, 700)])
def test_images_of_any_size(size):
    images = [RNG.integers(0, 255, (*size, 3), np.uint8) for _ in range(3)]
    maps = [np.full(size, 2.0)] * 3
    np.testing.assert_allclose(values_of(smooth(frames(maps, images))), maps, rtol=1e-5)


def test_as_many_frames_wait_as_the_average_reaches():
    source = iter(frames(still_maps(20)))
    next(smooth(source))
    assert len(list(source)) == 20 - REACH - 1


def test_a_frame_whose_depth_is_nowhere_valid():
    maps = [np.full((120, 160), 2.0), np.zeros((120, 160)), np.full((120, 160), 2.0)]
    np.testing.assert_allclose(values_of(smooth(frames(maps))), maps)
