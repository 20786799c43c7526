import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from depthkit.analysis.depth_difference import mean_of, metric_difference, relative_difference
from depthkit.errors import InputError


@pytest.fixture
def reference() -> torch.Tensor:
    return torch.rand(1, 1, 20, 30, generator=torch.Generator().manual_seed(0)) * 9 + 0.5


def test_metric_difference_is_numpys(reference):
    depth = reference * torch.linspace(0.6, 1.5, 600).view_as(reference)
    found = metric_difference(depth, reference)
    d, d0 = depth.numpy().astype(float), reference.numpy().astype(float)
    assert found.size == pytest.approx(np.mean(abs(d - d0) / d0))
    assert found.close == pytest.approx(np.mean(np.maximum(d / d0, d0 / d) < 1.25))
    assert found.scale == pytest.approx(np.median(d / d0), rel=1e-3)


@given(scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
def test_scale_and_shift_of_a_disparity_do_not_count(scale, shift):
    reference = torch.rand(1, 1, 20, 30, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = relative_difference(scale * reference + shift, reference)
    assert found.size == pytest.approx(0, abs=1e-9) and found.close == 1
    assert found.scale == pytest.approx(1 / scale)


def test_relative_difference_is_numpys(reference):
    other = reference + torch.randn(reference.shape, generator=torch.Generator().manual_seed(2))
    found = relative_difference(other, reference)
    x, y = other.numpy().astype(float).ravel(), reference.numpy().astype(float).ravel()
    slope, intercept = np.polyfit(x, y, 1)
    low, high = np.percentile(y, [2, 98])
    error = abs(slope * x + intercept - y) / (high - low)
    assert found.size == pytest.approx(error.mean(), rel=0.01)
    assert found.close == pytest.approx((error < 0.05).mean(), abs=0.01)
    assert found.scale == pytest.approx(slope)


@pytest.mark.parametrize("compare", [metric_difference, relative_difference])
def test_equal_predictions_differ_by_exactly_0_or_rounding(compare, reference):
    found = compare(reference, reference)
    assert found.size == pytest.approx(0, abs=1e-12) and found.close == 1 and found.scale == pytest.approx(1)


def test_without_depth_there_is_nothing_to_compare():
    nothing = torch.zeros(1, 1, 4, 4)
    with pytest.raises(InputError, match="no positive depth"):
        metric_difference(nothing, nothing)
    with pytest.raises(InputError, match="the same value everywhere"):
        relative_difference(nothing, nothing)


def test_means_have_standard_errors():
    assert mean_of([1.0, 2.0, 3.0]) == pytest.approx((2, 1 / 3**0.5))
    assert mean_of([5.0]) == (5.0, None)
