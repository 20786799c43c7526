from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.analysis.layer_rates import LayerRate, choose_layer_rates, measure_layer_rates
from depthkit.errors import InputError
from depthkit.models import DepthEstimator
from depthkit.models.selective import make_selective
from helpers import SMALL_VIT as SMALL


@pytest.fixture(scope="module")
def model() -> DepthEstimator:
    torch.manual_seed(0)
    model = DepthEstimator(
        backbone=dict(type="DeiT", **SMALL, out_indices=(1, 3)),
        decode_head=dict(type="DPTHead", in_channels=(48,) * 2, channels=8, scales=(4, 2)),
    ).eval()
    for block in model.backbone.blocks:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.3)
    return model


def test_each_layer_is_measured_alone(model):
    images = [torch.randn(1, 3, 64, 48), torch.randn(1, 3, 64, 64)]
    measured = measure_layer_rates(model, images, (0.75, 0.25), selection="shared", importance="update")
    assert [(one.layer, one.keep_rate) for one in measured] == [(i, rate) for i in (1, 2, 3) for rate in (0.75, 0.25)]
    for more, less in zip(measured[::2], measured[1::2], strict=True):
        assert 0 < more.saved < less.saved < 0.25 and more.difference > 0
    with torch.no_grad():
        alone = make_selective(model, 0.25, "shared", (2,), importance="update")
        differences = [((alone(one) - model(one)).abs() / model(one)).mean() for one in images]
    assert measured[3].difference == pytest.approx(torch.stack(differences).mean().item(), rel=1e-4)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.sampled_from([0.5, 0.25]), st.integers(0, 50), st.integers(1, 20)),
        min_size=1,
        max_size=8,
    ),
    st.integers(40, 100),
)
def test_the_choice_is_the_best_of_all(rows, percent):
    measured = [LayerRate(layer, rate, d / 100, None, s / 100) for layer, rate, d, s in rows]
    budget = percent / 100
    allowed = [
        choice
        for count in range(6)
        for choice in combinations(sorted(measured, key=lambda one: one.layer), count)
        if all(
            b.layer - a.layer > 1 or (b.layer - a.layer == 1 and b.keep_rate == a.keep_rate)
            for a, b in zip(choice, choice[1:], strict=False)
        )
        and sum(one.saved for one in choice) >= 1 - budget - 1e-9
    ]
    if not allowed:
        with pytest.raises(InputError, match="budget="):
            choose_layer_rates(measured, budget)
        return
    chosen = choose_layer_rates(measured, budget)
    assert chosen == sorted(chosen, key=lambda one: one.layer)
    assert sum(one.saved for one in chosen) >= 1 - budget - 1e-6
    expected = min(sum(one.difference for one in choice) for choice in allowed)
    assert sum(one.difference for one in chosen) == pytest.approx(expected)


def test_a_model_without_metres_is_refused(model):
    model.output = "disparity"
    try:
        with pytest.raises(InputError, match="gives disparity; expected one that gives depth in metres"):
            measure_layer_rates(model, [torch.randn(1, 3, 64, 64)], (0.5,))
    finally:
        model.output = "depth"
