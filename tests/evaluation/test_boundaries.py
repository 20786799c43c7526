"""Boundary F1 and the error near edges: maps made by hand, and the definition written the plain way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.evaluation.boundaries import boundary_errors, boundary_f1, near_edges


def plain_f1(pred: np.ndarray, gt: np.ndarray) -> float:
    """Depth Pro's definition on maps without holes, pixel by pixel."""
    thresholds = [1.05 + 0.2 * i / 9 for i in range(10)]
    total = 0.0
    for t in thresholds:
        precisions, recalls = [], []
        for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            both = found = true = 0
            for y in range(gt.shape[0]):
                for x in range(gt.shape[1]):
                    to = y + down, x + right
                    if not (0 <= to[0] < gt.shape[0] and 0 <= to[1] < gt.shape[1]):
                        continue
                    # Of disparities, as in the paper: the second is nearer.
                    in_pred, in_gt = ((1 / d[to]) / (1 / d[y, x]) > t for d in (pred, gt))
                    both, found, true = both + (in_pred and in_gt), found + in_pred, true + in_gt
            precisions.append(both / max(found, 1))
            recalls.append(both / max(true, 1))
        p, r = np.mean(precisions), np.mean(recalls)
        total += t / sum(thresholds) * (2 * p * r / (p + r) if p + r else 0.0)
    return total


def box(height: int = 24, width: int = 32) -> np.ndarray:
    """A wall at 4 m and a box at 2 m in front of its middle."""
    depth = np.full((height, width), 4.0)
    depth[height // 4 : -height // 4, width // 4 : -width // 4] = 2.0
    return depth


ALL = np.ones((24, 32), bool)


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.floats(0.01, 0.3))
def test_without_holes_it_is_depth_pros_definition(seed, spread):
    rng = np.random.default_rng(seed)
    gt = rng.choice([1.0, 1.07, 1.5, 3.0], (4, 5))
    pred = gt * np.exp(spread * rng.standard_normal(gt.shape))
    found = boundary_f1(pred, gt, np.ones(gt.shape, bool))
    assert found == pytest.approx(plain_f1(pred, gt), abs=1e-9)


def test_the_truth_at_any_scale_is_perfect_and_a_flat_map_has_nothing():
    for scale in (0.3, 1.0, 7.0):
        assert boundary_f1(scale * box(), box(), ALL) == pytest.approx(1)
    assert boundary_f1(np.full((24, 32), 3.0), box(), ALL) == 0


def test_one_pixel_beside_counts_as_missed():
    """A thing of two columns, one of which is the same in both maps.

    Truth: columns 3 and 4 at 2 m, the rest at 4 m; prediction: 4 and 5. All factors are 2, so each threshold says the
    same. Rightward the truth has its contour at 4|5 and the prediction at 5|6, leftward at 2|3 and 3|4: nothing is in
    both. Without columns the other two directions have none either.
    """
    true, found = (np.full((5, 8), 4.0) for _ in range(2))
    true[:, 3:5], found[:, 4:6] = 2.0, 2.0
    assert boundary_f1(found, true, np.ones(true.shape, bool)) == 0


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # Truth, one row of 6 px: 1 1 2 2 1 1: rightward a contour at 1|2, leftward at 3|4; up and down there are none,
        # so precision and recall are at most 2 / 4, and F1 of both.
        ([1, 1, 2, 2, 1, 1], 0.5),
        # The left contour alone is found: P = R = (1 + 0 + 0 + 0) / 4.
        ([1, 1, 2, 2, 2, 2], 0.25),
        # Both, and two more, rightward at 4|5 and leftward at 0|1: P = (1/2 + 1/2) / 4, R = 2/4: 2 * 1/4 * 1/2 / (3/4).
        ([3, 1, 2, 2, 1, 2], 1 / 3),
        # At thresholds up to 1.25 a factor of 1.3 is a contour as well as one of 2.
        ([1, 1, 1.3, 1.3, 1, 1], 0.5),
        # 1.15 exceeds the thresholds 1.05 + 0.2 i / 9 for i = 0 to 4, whose weights are t / (10 * 1.15):
        # (5 * 1.05 + 0.2 / 9 * 10) / 11.5 = 0.47585 of the score.
        ([1, 1, 1.15, 1.15, 1, 1], 0.5 * (5 * 1.05 + 2 / 9) / 11.5),
    ],
)
def test_scores_worked_out_by_hand(found, expected):
    true = np.array([[1, 1, 2, 2, 1, 1]])
    for turn in (np.asarray, np.transpose):  # rows and columns are alike
        assert boundary_f1(turn(np.array([found])), turn(true), turn(np.ones((1, 6), bool))) == pytest.approx(expected)


def test_a_blurred_contour_scores_less_than_a_sharp_one_and_more_than_none():
    ramp = np.full((4, 8), 4.0)
    ramp[:, :4] = 2.0
    blurred = ramp.copy()
    blurred[:, 3:5] = 2.5, 3.3
    valid = np.ones(ramp.shape, bool)
    sharp, soft = (boundary_f1(one, ramp, valid) for one in (ramp, blurred))
    # Only two of the four directions have a contour here, as only the right side is far.
    assert 0 < soft < sharp
    assert sharp == pytest.approx(plain_f1(ramp, ramp)) == pytest.approx(0.25)


def test_pixels_without_truth_do_not_count():
    gt, valid = box(), ALL.copy()
    valid[:, 20:] = False
    pred = gt.copy()
    pred[:, 22:] = np.random.default_rng(0).uniform(0.5, 8, pred[:, 22:].shape)
    gt[:, 20:] = 0
    expected = boundary_f1(box(), box(), valid)
    assert boundary_f1(pred, gt, valid) == expected


def test_a_hole_along_the_contour_is_bridged_and_a_wide_one_is_not():
    depth = np.full((5, 40), 2.0)
    depth[:, 20:] = 3.0
    for width, expected in ((8, 0.25), (9, None)):
        valid = np.ones(depth.shape, bool)
        valid[:, 20 : 20 + width] = False
        shifted = np.where(np.arange(40) < 24, 2.0, 3.0) * np.ones((5, 1))  # its contour is within the hole
        assert boundary_f1(shifted, np.where(valid, depth, 0), valid) == (expected and pytest.approx(expected))


def plane(slopes: tuple[float, float], height: int = 12, width: int = 24) -> np.ndarray:
    """A plane in space: the inverse depth is linear in the image; relative change per px at 1 / 2 m, down and right."""
    y, x = np.mgrid[:height, :width] - np.array([height // 2, width // 2])[:, None, None]
    return 1 / (0.5 * (1 + slopes[0] * y + slopes[1] * x))


@settings(max_examples=40)
@given(
    st.tuples(st.floats(-0.04, 0.04), st.floats(-0.04, 0.04)),
    st.floats(0.02, 0.98),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_a_slanted_plane_has_no_contour_whatever_its_holes(slopes, fraction, in_blocks, seed):
    holes = np.random.default_rng(seed).random((3, 6) if in_blocks else (12, 24)) < fraction
    valid = ~(np.kron(holes, np.ones((4, 4), bool)) if in_blocks else holes)
    depth = plane(slopes)
    everywhere = np.ones(depth.shape, bool)
    if boundary_f1(depth, depth, everywhere) is None:
        assert boundary_f1(depth, np.where(valid, depth, 0), valid) is None
    assert not (near_edges(np.where(valid, depth, 0), valid) & ~near_edges(depth, everywhere)).any()


def test_a_plane_behind_a_hole_hides_no_contour_and_a_blur_over_it_is_none():
    """A wall that recedes by 3 % per px, and one of 1.5 times the depth behind a hole of 6 px."""
    x = np.arange(60)
    depth = np.tile(2 * 1.03**x * np.where(x < 30, 1, 1.5), (5, 1))
    valid = np.tile((x < 27) | (x >= 33), (5, 1))
    gt = np.where(valid, depth, 0)
    assert boundary_f1(depth, gt, valid) == pytest.approx(0.25)
    assert boundary_f1(2 * 1.03**x * np.ones((5, 1)), gt, valid) == 0  # the wall alone
    blurred = np.tile(2 * 1.03**x * 1.5 ** np.clip((x - 20) / 20, 0, 1), (5, 1))  # over 20 px
    assert boundary_f1(blurred, gt, valid) == 0
    assert near_edges(gt, valid)[0].nonzero()[0].tolist() == [*range(18, 27), *range(33, 42)]


def test_behind_a_hole_without_a_slope_on_both_sides_nothing_is_called_a_contour():
    gt = np.array([[2, 2, 2, 0, 0, 3]]) * np.ones((5, 1))
    assert boundary_f1(gt, gt, gt > 0) is None
    gt = np.array([[2, 2, 2, 0, 0, 3, 3]]) * np.ones((5, 1))
    assert boundary_f1(gt, gt, gt > 0) == pytest.approx(0.25)


def test_an_image_without_contours_has_no_score():
    flat = np.full((8, 8), 2.0)
    assert boundary_f1(box(8, 8), flat, np.ones((8, 8), bool)) is None
    errors = boundary_errors(box(8, 8), flat, np.zeros((8, 8), bool))
    assert (errors.f1, errors.pixels, errors.abs_rel) == (None, 0, 0)


def test_near_edges_are_the_valid_pixels_within_8_px():
    gt = np.full((9, 60), 2.0)
    gt[:, 30:] = 3.0
    valid = np.ones(gt.shape, bool)
    valid[4, 25] = False
    near = near_edges(gt, valid)
    # The two columns beside the step, 29 and 30, and 8 px on either side.
    expected = np.zeros_like(near)
    expected[:, 21:39] = True
    expected[4, 25] = False
    assert np.array_equal(near, expected)
    assert not near_edges(np.where(gt == 3, 2.15, gt), valid).any()


def test_the_error_near_edges_is_that_of_their_pixels():
    gt = np.full((9, 60), 2.0)
    gt[:, 30:] = 3.0
    pred = gt.copy()
    pred[:, :20] *= 2  # far from the edge
    pred[0, 30] = 3.3
    errors = boundary_errors(pred, gt, np.ones(gt.shape, bool))
    assert errors.pixels == 9 * 18
    assert errors.abs_rel == pytest.approx(0.1)
