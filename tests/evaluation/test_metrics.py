"""depth_metrics: values worked out by hand, an independent numpy version, and bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from depthkit.errors import InputError
from depthkit.evaluation import METRIC_NAMES, depth_metrics
from depthkit.evaluation.metrics import error_sums, pool


def reference(pred, gt, valid):
    """The definitions, written down pixel set by pixel set and unlike the code under test."""
    p = [float(x) for x in pred[valid]]
    g = [float(x) for x in gt[valid]]
    n = len(p)
    e = np.array([np.log(a / b) for a, b in zip(p, g, strict=True)])
    worst = np.array([max(a / b, b / a) for a, b in zip(p, g, strict=True)])
    return {
        "abs_rel": sum(abs(a - b) / b for a, b in zip(p, g, strict=True)) / n,
        "sq_rel": sum((a - b) ** 2 / b for a, b in zip(p, g, strict=True)) / n,
        "rmse": (sum((a - b) ** 2 for a, b in zip(p, g, strict=True)) / n) ** 0.5,
        "rmse_log": float(np.mean(e**2) ** 0.5),
        "log10": float(np.mean(np.abs(np.array([np.log10(a) - np.log10(b) for a, b in zip(p, g, strict=True)])))),
        "silog": 100 * float(np.std(e)),
        "d1": float(np.mean(worst < 1.25)),
        "d2": float(np.mean(worst < 1.25**2)),
        "d3": float(np.mean(worst < 1.25**3)),
    }


def test_worked_out_by_hand():
    # d = 1, -1, 0; e = ln 2, -ln 2, 0; ratios 2, 2, 1; the fourth pixel is not valid.
    gt = np.array([[1.0, 2.0], [4.0, 9.0]])
    pred = np.array([[2.0, 1.0], [4.0, 0.1]])
    metrics = depth_metrics(pred, gt, np.array([[True, True], [True, False]]))
    ln2 = 0.6931471805599453
    assert tuple(metrics) == METRIC_NAMES
    expected = {
        "abs_rel": (1 + 0.5) / 3,
        "sq_rel": (1 + 0.5) / 3,
        "rmse": (2 / 3) ** 0.5,
        "rmse_log": ln2 * (2 / 3) ** 0.5,
        "log10": 2 * 0.3010299956639812 / 3,
        "silog": 100 * ln2 * (2 / 3) ** 0.5,
        "d1": 1 / 3,
        "d2": 1 / 3,
        "d3": 1 / 3,
    }
    assert metrics == pytest.approx(expected, abs=1e-12)


def test_thresholds_are_strict_and_cubic():
    gt = np.ones(5)
    pred = np.array([1.25, 1.2499, 1.5624, 1.9531, 2.0])
    metrics = depth_metrics(pred, gt, gt > 0)
    assert (metrics["d1"], metrics["d2"], metrics["d3"]) == (1 / 5, 3 / 5, 4 / 5)


def test_a_wrong_scale_alone_has_no_scale_invariant_error():
    gt = np.random.default_rng(0).uniform(0.5, 9, (48, 64)).astype(np.float32)
    metrics = depth_metrics(gt * 2, gt, gt > 0)
    assert metrics["silog"] == pytest.approx(0, abs=1e-9)
    assert metrics["abs_rel"] == pytest.approx(1, abs=1e-12)
    assert metrics["rmse_log"] == pytest.approx(np.log(2), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 12), width=st.integers(1, 12), noise=st.floats(1e-6, 2))
def test_equals_an_independent_version(seed, height, width, noise):
    rng = np.random.default_rng(seed)
    gt = rng.uniform(0.01, 10, (height, width))
    pred = gt * np.exp(rng.normal(0, noise, gt.shape))
    valid = rng.random(gt.shape) < 0.7
    valid.flat[0] = True
    assert depth_metrics(pred, gt, valid) == pytest.approx(reference(pred, gt, valid), rel=1e-9, abs=1e-9)


def test_real_depth_equals_an_independent_version(rgbd_root):
    gt = np.asarray(Image.open(rgbd_root / "cafe" / "sync_depth_00000.png"))[::8, ::8].astype(np.float32) / 1000
    pred = np.where(gt > 0, gt, 3) * np.random.default_rng(0).uniform(0.7, 1.5, gt.shape).astype(np.float32)
    valid = (gt > 1e-3) & (gt < 10)
    assert valid.sum() > 1000
    assert depth_metrics(pred, gt, valid) == pytest.approx(reference(pred, gt, valid), rel=1e-9, abs=1e-9)


def test_sums_are_float64_also_for_float32_maps():
    # A float32 sum of 4 million squares of about 1e-4 would be off in the fourth digit.
    gt = np.full((2000, 2000), 2, np.float32)
    pred = np.full((2000, 2000), 2.01, np.float32)
    assert depth_metrics(pred, gt, gt > 0)["rmse"] == pytest.approx(float(np.float32(2.01)) - 2, rel=1e-12)


def test_takes_torch_tensors():
    gt = torch.rand(1, 6, 8) + 0.5
    pred = (gt * 1.1).requires_grad_()
    expected = depth_metrics(pred.detach().numpy(), gt.numpy(), np.ones((1, 6, 8), bool))
    assert depth_metrics(pred, gt, gt > 0) == expected


def test_pooling_equals_measuring_all_pixels_at_once():
    rng = np.random.default_rng(1)
    maps = [(rng.uniform(1, 5, (n, 7)), rng.uniform(1, 5, (n, 7))) for n in (1, 4, 30)]
    parts = [error_sums(pred, gt, gt > 2) for pred, gt in maps]
    pred, gt = (np.concatenate([pair[i] for pair in maps]) for i in (0, 1))
    assert pool(parts).metrics == pytest.approx(reference(pred, gt, gt > 2), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, g, v: (p[:2], g, v), "differ in shape"),
        (lambda p, g, v: (p, g, v[None]), "differ in shape"),
        (lambda p, g, v: (p, g, ~v), "is False for all pixels"),
        (lambda p, g, v: (p, g, v.astype(np.float32)), "boolean"),
        (lambda p, g, v: (p * np.nan, g, v), "pred: has NaN"),
        (lambda p, g, v: (p - p, g, v), "pred: has"),
        (lambda p, g, v: (p, -g, v), "gt: has"),
    ],
)
def test_bad_input(change, message):
    ones = np.ones((4, 5))
    with pytest.raises(InputError, match=message):
        depth_metrics(*change(ones, ones, ones > 0))


def test_what_is_not_valid_may_be_anything():
    gt, pred = np.array([1.0, 0.0, np.nan]), np.array([1.0, np.inf, -3.0])
    assert depth_metrics(pred, gt, np.array([True, False, False]))["abs_rel"] == 0
