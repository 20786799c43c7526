import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from depthkit.models import AlignedGradientLoss, ScaleShiftInvariantLoss
from depthkit.models.losses.disparity_losses import normalise

LOSSES = [ScaleShiftInvariantLoss(), ScaleShiftInvariantLoss(trim=0.2), AlignedGradientLoss(scales=3)]
IDS = ["ssi", "trimmed", "gradient"]
SCALES = st.tuples(*[st.floats(0.05, 50)] * 2)
SHIFTS = st.tuples(*[st.floats(-20, 20)] * 2)


def maps(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a prediction, a truth and a mask, float64 (2, 1, 9, 13)."""
    generator = torch.Generator().manual_seed(seed)
    pred, gt = (torch.rand(2, 1, 9, 13, generator=generator) for _ in range(2))
    return pred, gt, torch.rand(2, 1, 9, 13, generator=generator) < 0.8


def changed(disparity: torch.Tensor, scales: tuple, shifts: tuple) -> torch.Tensor:
    """Give each image a scale and a shift of its own."""
    return disparity * torch.tensor(scales).view(2, 1, 1, 1) + torch.tensor(shifts).view(2, 1, 1, 1)


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
@given(seed=st.integers(0, 1000), scales=SCALES, shifts=SHIFTS)
def test_scale_and_shift_of_each_map_change_nothing(loss, seed, scales, shifts):
    pred, gt, valid = maps(seed)
    before = loss(pred, gt, valid)
    torch.testing.assert_close(loss(pred, changed(gt, scales, shifts), valid), before, rtol=2e-3, atol=2e-4)
    torch.testing.assert_close(loss(changed(pred, scales, shifts), gt, valid), before, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
def test_by_a_power_of_two_exactly_nothing(loss):
    pred, gt, valid = maps(0)
    assert loss(pred, gt * 8, valid) == loss(pred, gt, valid) == loss(pred / 4, gt, valid) > 0


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
@given(seed=st.integers(0, 1000))
def test_equal_maps_have_no_loss_and_other_signs_have_one(loss, seed):
    pred, _, valid = maps(seed)
    assert loss(pred, pred, valid) == 0
    assert loss(pred, -pred, valid) > 0.1


@pytest.mark.parametrize("trim", [0.0, 0.2])
@given(seed=st.integers(0, 1000))
def test_against_the_equations_of_the_paper(trim, seed):
    pred, gt, valid = maps(seed)
    expected = []
    for p, g, v in zip(pred, gt, valid, strict=True):
        aligned = []
        for one in (p[v], g[v]):
            centred = one - one.median()
            aligned.append(centred / centred.abs().mean())
        residuals = (aligned[0] - aligned[1]).abs().sort().values
        kept = residuals[: int((1 - trim) * len(residuals))]
        expected.append(kept.sum() / (2 * len(residuals)))
    torch.testing.assert_close(ScaleShiftInvariantLoss(trim=trim)(pred, gt, valid), torch.stack(expected).mean())


def test_what_is_normalised_has_median_0_and_mean_distance_1():
    pred, _, valid = maps(3)
    for one, v in zip(normalise(pred, valid), valid, strict=True):
        assert one[v].median() == 0
        assert one[v].abs().mean() == pytest.approx(1)
        assert (one[~v] == 0).all()


def test_trimming_forgives_a_few_pixels_that_are_far_off():
    pred, _, _ = maps(1)
    valid = torch.ones_like(pred, dtype=torch.bool)
    gt = pred.clone()
    gt[:, :, 0, :5] += 3.0
    assert ScaleShiftInvariantLoss(trim=0.2)(pred, gt, valid) < 0.7 * ScaleShiftInvariantLoss()(pred, gt, valid)


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
@pytest.mark.parametrize("case", ["equal", "no valid pixel", "one image without", "nan and inf", "constants"])
def test_value_and_gradient_stay_finite(loss, case):
    pred, gt, valid = maps(2)
    if case == "equal":
        gt = pred.clone()
    elif case == "no valid pixel":
        valid[:] = False
    elif case == "one image without":
        valid[0] = False
    elif case == "nan and inf":
        gt[~valid] = float("nan")
        gt[0, 0, 0] = float("inf")
        valid[0, 0, 0] = False
    else:
        pred[0], gt[1] = 0.3, 2.0
    pred.requires_grad_()
    value = loss(pred, gt, valid)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(pred.grad).all()
    assert (pred.grad[~valid] == 0).all()
    if case in ("equal", "no valid pixel"):
        assert value == 0
    if case == "one image without":
        torch.testing.assert_close(value, loss(pred[1:], gt[1:], valid[1:]))


def test_a_step_down_the_gradient_makes_the_maps_more_alike():
    pred, gt, valid = maps(5)
    pred.requires_grad_()
    optimizer = torch.optim.Adam([pred], lr=0.02)
    values = []
    for _ in range(150):
        optimizer.zero_grad()
        value = sum(loss(pred, gt, valid) for loss in LOSSES)
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.15 * values[0]
