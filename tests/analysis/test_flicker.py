"""Flicker: zero where nothing flickers, what was put in where it does, and no fault of a camera that moves."""

import numpy as np
import pytest

from depthkit.analysis.flicker import FlickerMeter, compare_smoothing, flicker_table, still_frames
from depthkit.apis.result import DepthResult
from depthkit.datasets.sample import Frame

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 255, (30, 40, 3), np.uint8).repeat(2, 0).repeat(2, 1)
TRUTH = np.linspace(1, 4, 80, dtype=np.float32)[None].repeat(60, 0)


def measure(depths, images=None, truths=None):
    meter = FlickerMeter()
    for index, depth in enumerate(depths):
        meter.add(images[index] if images else IMAGE, depth, truths[index] if truths else None)
    return meter.result()


def test_nothing_flickers_where_nothing_changes():
    result = measure([TRUTH] * 4, truths=[TRUTH] * 4)
    assert (result.points, result.whole, result.pairs, result.abs_rel, result.bias) == (0, 0, 3, 0, 0)


def test_a_factor_is_a_change_of_the_whole_frame():
    result = measure([TRUTH, 1.1 * TRUTH, TRUTH])
    assert result.points == pytest.approx(100 * np.log(1.1)) and result.whole == pytest.approx(result.points)
    assert result.pairs == 2 and np.isnan([result.abs_rel, result.scaled, result.bias]).all()


def test_points_that_change_one_by_one():
    depths = [TRUTH * np.exp(RNG.normal(0, 0.05, TRUTH.shape)) for _ in range(10)]
    result = measure(depths)
    assert result.points == pytest.approx(100 * 0.05 * 2 / np.sqrt(np.pi), rel=0.03) and result.whole < 0.5


def test_where_the_image_changes_nothing_is_flicker():
    image, other = np.maximum(IMAGE, 100), np.maximum(IMAGE, 100)
    other[:, 40:] = 0
    depth = TRUTH.copy()
    depth[:, 50:] *= 3
    assert measure([TRUTH, depth], [image, other]).points == 0


def test_a_camera_that_comes_nearer_is_not_flicker():
    truths = [TRUTH - 0.05 * index for index in range(5)]
    result = measure([1.2 * truth for truth in truths], truths=truths)
    assert result.points == pytest.approx(0, abs=1e-4)
    assert (result.abs_rel, result.scaled) == (pytest.approx(0.2), pytest.approx(0, abs=1e-6))


def test_smoothing_is_measured_on_the_same_frames():
    scale = iter(np.exp(RNG.normal(0, 0.05, 25)))

    def predict(image, focal):
        assert focal == 50
        return DepthResult((TRUTH * next(scale)).astype(np.float32), image)

    frame = Frame(IMAGE, TRUTH, np.diag([50.0, 50.0, 1.0]), "a")
    before, after = compare_smoothing(still_frames(frame, 25, noise=2), predict, has_truth=True)
    assert before.pairs == after.pairs == 24
    assert after.points < 0.3 * before.points and after.abs_rel < before.abs_rel
    table = flicker_table([("as it is", before), ("smoothed", after)])
    assert table.count("\n") == 3 and f"| as it is | {before.points:.2f} |" in table
