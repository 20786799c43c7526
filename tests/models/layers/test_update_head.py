import torch

from depthkit.models.layers.update_head import UpdateHead, update_loss


def test_it_starts_with_the_last_update():
    last = torch.rand(2, 5) + 0.1
    torch.testing.assert_close(UpdateHead(8)(torch.randn(2, 5, 8), last), last.log())
    assert torch.isfinite(UpdateHead(8)(torch.randn(1, 1, 8), torch.zeros(1, 1))).all()


def test_the_loss_is_of_logarithms_and_zero_for_the_truth():
    update = torch.tensor([[[3.0, 4.0], [0.6, 0.8]]], requires_grad=True)
    predicted = torch.tensor([[5.0, 1.0]]).log().requires_grad_()
    assert update_loss(predicted, update) < 1e-12
    loss = update_loss(predicted + 1, update)
    torch.testing.assert_close(loss, torch.tensor(1.0))
    loss.backward()
    assert update.grad is None and predicted.grad is not None


def test_in_bfloat16_the_loss_is_finite():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        tokens = torch.randn(1, 4, 8)
        assert torch.isfinite(update_loss(UpdateHead(8)(tokens, tokens.norm(dim=-1)), tokens))
