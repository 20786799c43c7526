import pytest
import torch

from depthkit.models import GradientLoss, RelativeLoss, ScaleInvariantLogLoss
from depthkit.registry import MODELS


def test_silog_against_a_value_worked_out_by_hand():
    # e = (ln 2, 0): E[e^2] = ln(2)^2 / 2, E[e]^2 = ln(2)^2 / 4; 10 * ln 2 * sqrt(1/2 - 0.85/4) = 3.71666...
    pred, gt = torch.tensor([2.0, 3.0]).view(1, 1, 1, 2), torch.tensor([1.0, 3.0]).view(1, 1, 1, 2)
    loss = ScaleInvariantLogLoss()(pred, gt, torch.ones_like(gt, dtype=torch.bool))
    assert loss.item() == pytest.approx(10 * 0.6931472 * (0.5 - 0.2125) ** 0.5, abs=0.02)


def test_silog_with_full_variance_focus_ignores_the_scale():
    gt = torch.rand(2, 1, 8, 8) + 0.5
    valid = torch.ones_like(gt, dtype=torch.bool)
    assert ScaleInvariantLogLoss(variance_focus=1.0)(gt * 3, gt, valid) == pytest.approx(0, abs=1e-2)
    assert ScaleInvariantLogLoss(variance_focus=0.0, loss_weight=1.0)(gt * 3, gt, valid) == pytest.approx(
        1.0986, abs=2e-3
    )


@pytest.mark.parametrize(
    "loss", [ScaleInvariantLogLoss(), GradientLoss(), RelativeLoss()], ids=["silog", "gradient", "relative"]
)
@pytest.mark.parametrize("case", ["equal", "no valid pixel", "one image without", "nan and inf", "zeros"])
def test_value_and_gradient_stay_finite(loss, case):
    pred = (torch.rand(2, 1, 12, 16) + 0.5).requires_grad_()
    gt = pred.detach().clone() if case == "equal" else torch.rand(2, 1, 12, 16) + 0.5
    valid = torch.ones_like(gt, dtype=torch.bool)
    if case == "no valid pixel":
        valid[:] = False
    elif case == "one image without":
        valid[0] = False
    elif case in ("nan and inf", "zeros"):
        bad = torch.rand_like(gt) < 0.3
        gt[bad] = 0.0 if case == "zeros" else float("nan")
        if case == "nan and inf":
            gt[0, 0, 0] = float("inf")
            bad[0, 0, 0] = True
        valid = ~bad
    value = loss(pred, gt, valid)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(pred.grad).all()
    assert (pred.grad[~valid] == 0).all()
    if case in ("equal", "no valid pixel"):
        assert value == 0


def test_an_image_without_valid_pixels_does_not_change_the_loss():
    pred, gt = torch.rand(2, 1, 8, 8) + 0.5, torch.rand(2, 1, 8, 8) + 0.5
    valid = torch.ones_like(gt, dtype=torch.bool)
    valid[1] = False
    for loss in (ScaleInvariantLogLoss(), GradientLoss(), RelativeLoss()):
        torch.testing.assert_close(loss(pred, gt, valid), loss(pred[:1], gt[:1], valid[:1]))


def test_relative_loss_is_abs_rel():
    pred, gt = torch.tensor([2.0, 3.0, 9.0]).view(1, 1, 1, 3), torch.tensor([1.0, 4.0, 0.0]).view(1, 1, 1, 3)
    assert RelativeLoss(loss_weight=2.0)(pred, gt, gt > 0).item() == pytest.approx(2 * (1 + 0.25) / 2)


def test_gradient_loss_sees_edges_and_not_scale():
    gt = torch.ones(1, 1, 8, 8)
    valid = torch.ones_like(gt, dtype=torch.bool)
    assert GradientLoss()(gt * 5, gt, valid) == pytest.approx(0, abs=1e-6)
    step = gt.clone()
    step[..., 4:] = torch.e
    # A step of 1 in the log between columns 3 and 4: 1 of 7 horizontal pairs at scale 1, none vertical.
    assert GradientLoss(scales=1, loss_weight=1.0)(step, gt, valid) == pytest.approx(1 / 7, abs=1e-6)


def test_losses_are_built_from_configs():
    assert isinstance(MODELS.build(dict(type="ScaleInvariantLogLoss", variance_focus=0.5)), ScaleInvariantLogLoss)
    assert isinstance(MODELS.build(dict(type="GradientLoss", scales=2)), GradientLoss)
