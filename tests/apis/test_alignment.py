"""Scale and shift from known distances: exact where the distances are, one sentence where they cannot be used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthkit.apis.alignment import Alignment, fit_alignment
from depthkit.errors import InputError


def disparity_of(seed: int, unit: float = 1.0, shape: tuple[int, int] = (9, 13)) -> np.ndarray:
    return (unit * np.random.default_rng(seed).uniform(0.05, 1, shape)).astype(np.float32)


@given(
    seed=st.integers(0, 2**31),
    unit=st.sampled_from([0.01, 1.0, 160.0]),
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-0.04, 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_a_known_scale_and_shift_are_recovered(seed, unit, scale, shift, dtype):
    disparity = disparity_of(seed, unit)
    scale, shift = scale / unit, shift * scale  # so that 1/depth is positive everywhere
    depth = (1 / (scale * disparity.astype(np.float64) + shift)).astype(dtype)
    found = fit_alignment(disparity, depth)
    assert found.scale == pytest.approx(scale, rel=1e-5)
    assert found.shift == pytest.approx(shift, abs=1e-5 * scale * unit)
    rows, columns = np.nonzero(depth)
    points = np.stack([columns, rows, depth[rows, columns]], axis=1)
    assert fit_alignment(disparity, points) == pytest.approx(found, rel=1e-6)


@given(seed=st.integers(0, 2**31), dtype=st.sampled_from([np.float32, np.float64]))
def test_it_is_the_least_squares_fit_of_numpy(seed, dtype):
    rng = np.random.default_rng(seed)
    disparity = disparity_of(seed)
    depth = (1 / (disparity + rng.uniform(0, 1, disparity.shape))).astype(dtype)
    slope, shift = np.polyfit(disparity.ravel().astype(np.float64), 1 / depth.ravel().astype(np.float64), 1)
    assert fit_alignment(disparity, depth) == pytest.approx((slope, shift), rel=1e-6)


def test_a_large_offset_costs_no_digits():
    disparity = np.float32(1000) + np.arange(12, dtype=np.float32).reshape(3, 4) / 16  # exact in float32
    found = fit_alignment(disparity, 1 / (0.5 * disparity.astype(np.float64) - 499))
    assert found == pytest.approx((0.5, -499), rel=1e-9)


def test_what_is_unknown_does_not_count():
    disparity = disparity_of(0)
    depth = 1 / (2 * disparity + 0.5)
    depth[0, :5] = 0, np.nan, np.inf, -1, -np.inf
    disparity[1, 0] = np.nan
    assert fit_alignment(disparity, depth) == pytest.approx((2, 0.5), rel=1e-5)


def test_a_point_stands_for_the_pixel_it_lies_in():
    disparity = np.array([[1, 2, 4], [3, 5, 6]], np.float32)
    points = np.array([[-0.5, 0.49, 1 / 1], [2.49, 1.49, 1 / 6], [0.5, -0.5, 1 / 2]])
    assert fit_alignment(disparity, points) == pytest.approx((1, 0), abs=1e-12)
    assert isinstance(fit_alignment(disparity, points[:2]), Alignment)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (np.ones((4, 4)), r"has shape \(4, 4\); expected depth of the image's size \(9, 13\) or points"),
        (np.ones(3), r"has shape \(3,\)"),
        (np.ones((9, 13, 1)), "has shape"),
        (np.array([["a"] * 3]), "expected depths or points in numbers"),
        ([[0, 0, 1.0], [13, 0, 2]], "point 1 at x 13, y 0 is outside the image of 13x9 px"),
        ([[0, 0, 1.0], [0, -1, 2]], "outside"),
        ([[0, 0, 1.0], [np.nan, 3, 2]], "outside"),
        ([[0, 0, 1.0], [1, 1, np.nan]], "point 1 has the depth nan; expected metres, more than 0"),
        ([[0, 0, 0.0], [1, 1, 2]], "point 0 has the depth 0"),
        ([[0, 0, 1.0]], "two known distances that differ, and 1 of them"),
        (np.empty((0, 3)), "and 0 of them"),
        ([[0, 0, 1.0], [0, 0, 2]], "two known distances that differ, and all are the same"),
        ([[0, 0, 2.0], [1, 1, 2]], "and all are the same"),
        (np.zeros((9, 13)), "0 of them where the result has a value"),
        (np.full((9, 13), np.nan), "0 of them"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(reference, message):
    with pytest.raises(InputError, match=f"^reference: .*{message}"):
        fit_alignment(disparity_of(1), np.asarray(reference))


def test_disparity_in_place_of_depth_is_found():
    disparity = disparity_of(2)
    with pytest.raises(InputError, match="nearer in it has the smaller disparity"):
        fit_alignment(disparity, disparity)
