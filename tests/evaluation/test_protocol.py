"""Protocols: what they clamp, resize, crop and leave out."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from depthkit.errors import InputError
from depthkit.evaluation import PROTOCOLS, get_protocol


def test_eigen_counts_its_crop_and_range():
    gt = np.full((480, 640), 3.0, np.float32)
    gt[100, 100:106] = [0, 1e-3, 10, 11, np.nan, np.inf]  # none of them is valid: the range is open
    gt[101, 100:102] = [0.0011, 9.999]
    valid = get_protocol("eigen").valid_mask(gt)
    expected = np.zeros((480, 640), bool)
    expected[45:471, 41:601] = True
    expected[100, 100:106] = False
    assert (valid == expected).all()


@pytest.mark.parametrize("factor", [2, 3])
def test_the_crop_scales_with_the_image(factor):
    valid = get_protocol("eigen").valid_mask(np.ones((480 * factor, 640 * factor)))
    rows, columns = np.nonzero(valid)
    assert (rows.min(), rows.max() + 1) == (45 * factor, 471 * factor)
    assert (columns.min(), columns.max() + 1) == (41 * factor, 601 * factor)


def test_full_counts_all_and_densedepth_its_own_crop():
    ones = np.ones((480, 640))
    assert get_protocol("full").valid_mask(ones).all()
    rows, columns = np.nonzero(get_protocol("densedepth").valid_mask(ones))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 459, 24, 615)
    assert get_protocol("densedepth").pooled and not get_protocol("eigen").pooled


def test_predictions_are_clamped_and_made_finite():
    pred = np.array([[np.nan, np.inf, -np.inf], [-1.0, 1e-9, 77.0], [0.5, 1e-3, 10.0]], np.float32)
    prepared = get_protocol("full").prepare(pred, (3, 3))
    expected = [[1e-3, 10, 1e-3], [1e-3, 1e-3, 10], [0.5, np.float32(1e-3), 10]]
    np.testing.assert_array_equal(prepared, np.maximum(expected, 1e-3))


@pytest.mark.parametrize(("source", "target"), [((24, 32), (480, 640)), ((37, 53), (100, 61)), ((64, 64), (30, 40))])
def test_resize_is_bilinear_with_pixel_centres_at_halves(source, target):
    pred = np.random.default_rng(0).uniform(1, 9, source)
    expected = F.interpolate(torch.from_numpy(pred)[None, None], target, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(get_protocol("full").prepare(pred, target), expected[0, 0].numpy(), atol=2e-6)


def test_one_nan_does_not_spread_in_the_resize():
    pred = np.full((10, 10), 5.0)
    pred[3, 3] = np.nan
    assert (get_protocol("full").prepare(pred, (40, 40)) > 4.9).mean() > 0.9


@pytest.mark.parametrize("name", PROTOCOLS)
def test_each_describes_itself_in_one_line(name):
    protocol = get_protocol(name)
    assert protocol.name == name
    assert protocol.description.startswith(f"{name}: ")
    assert "0.001 < gt < 10 m" in protocol.description
    assert "\n" not in protocol.description


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="'kitti'.*eigen, full, densedepth"):
        get_protocol("kitti")


def test_shapes_that_are_no_depth_map():
    with pytest.raises(InputError, match="expected one depth map"):
        get_protocol("full").prepare(np.ones((1, 4, 4)), (4, 4))
    with pytest.raises(InputError, match="expected one depth map"):
        get_protocol("full").valid_mask(np.ones((1, 4, 4)))
