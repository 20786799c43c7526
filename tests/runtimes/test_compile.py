"""torch.compile as a runtime: the same depth as the model itself."""

import shutil

import pytest
import torch
from torch import nn

from depthkit.apis.network_runtime import set_runtime
from depthkit.registry import MODELS, depthkit_scope
from helpers import SMALL_VIT

COMPILERS = ("g++", "clang++", "c++")


class Edges(nn.Module):
    """A backbone of one layer: few kernels to compile, of 1 to 2 s each."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=4, padding=1)

    def forward(self, images):
        return (self.conv(images).sigmoid(),)


class Sum(nn.Module):
    """A decoder without layers."""

    def forward(self, maps, size):
        return nn.functional.interpolate(maps[0].sum(1, keepdim=True), size=size, mode="nearest").exp()


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    backbone = dict(type="DeiT", out_indices=(0, 1, 2, 3), pretrained=None, **SMALL_VIT)
    with depthkit_scope():
        head = dict(type="DPTHead", in_channels=(48,) * 4, channels=16)
        made = MODELS.build(dict(type="DepthEstimator", backbone=backbone, decode_head=head))
    made.backbone, made.decode_head = Edges(), Sum()
    return made.eval()


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason=f"needs a C++ compiler: {', '.join(COMPILERS)}")
def test_a_compiled_model_predicts_what_eager_torch_does(model, monkeypatch, capsys):
    import torch._inductor.config

    monkeypatch.setattr(torch._inductor.config, "compile_threads", 1)  # others would import torch, too
    images = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    chosen = set_runtime(model, {}, lambda rgb: {"inputs": images}, "compile", "float32", None, 0.02)
    assert chosen == model.run_elsewhere.runtime == "compile"
    assert "runtime: compile float32, largest difference from torch " in capsys.readouterr().err
    with torch.inference_mode():
        (found,) = model.run_elsewhere(images)
        torch.testing.assert_close(found, model(images), rtol=1e-5, atol=1e-5)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"], "nothing was compiled"
