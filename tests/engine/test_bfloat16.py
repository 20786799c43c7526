import torch
from torch import nn

from depthkit.engine import BFloat16OptimWrapper


def test_the_forward_pass_is_in_bfloat16_and_the_weights_stay_float32():
    torch.manual_seed(0)
    model = nn.Linear(8, 4)
    wrapper = BFloat16OptimWrapper(optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        out = model(torch.ones(2, 8))
    assert out.dtype == torch.bfloat16
    assert model(torch.ones(2, 8)).dtype == torch.float32  # outside of the block
    wrapper.update_params(out.float().square().sum())
    assert model.weight.dtype == torch.float32 and not torch.equal(model.weight, before)
