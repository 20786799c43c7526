"""Backbones that select or merge tokens in ways of their own, exported as one graph: each export takes seconds."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.export.deployable import Deployable
from depthkit.export.formats import export_model
from depthkit.models import DepthEstimator, ToMe, ToSA

SMALL = dict(embed_dim=24, num_heads=3)
KINDS = {
    "importance, keys, coverage and two side by side": lambda rate: ToSA(
        **SMALL, depth=5, out_indices=(4,), keep_rate=rate, selection="shared", importance="predicted_update",
        keys="all", coverage=True, selective_layers=(1, 3, 4),
    ),
    "per_head with all keys": lambda rate: ToSA(
        **SMALL, depth=2, out_indices=(1,), keep_rate=rate, selection="per_head", keys="all"
    ),
    "ToMe": lambda rate: ToMe(**SMALL, depth=2, out_indices=(1,), keep_rate=(0.8, rate)),
}  # fmt: skip


class SideBySide(nn.Module):
    """The backbones' maps, one of each."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.of = nn.ModuleList(make(rate) for make in KINDS.values())
        for module in self.of.modules():
            if hasattr(module, "qkv"):  # at initialisation all tokens are nearly alike
                nn.init.normal_(module.qkv.weight, std=0.3)

    def forward(self, images: Tensor) -> list[Tensor]:
        return [one(images)[0] for one in self.of]


def build(rate: float) -> DepthEstimator:
    head = dict(type="DPTHead", in_channels=(24,) * 3, channels=8, scales=(4, 2, 1), readout="ignore")
    model = DepthEstimator(backbone=dict(type="ToMe", **SMALL, depth=2, out_indices=(0, 1)), decode_head=head).eval()
    model.backbone = SideBySide(rate).eval()
    for one in model.backbone.of:  # as `Deployable` does with a backbone of ours
        one.patch_embed.dynamic_img_pad, one.position_resampling = False, "timm_products"
    return model


@pytest.mark.slow
def test_onnxruntime_selects_and_merges_as_torch_does(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = build(0.6)
    found, _ = export_model(model, tmp_path / "m.onnx", "onnx")
    assert all(one.largest < 1e-4 for one in found)
    generator = torch.Generator().manual_seed(1)
    images = F.interpolate(255 * torch.rand(3, 3, 5, 7, generator=generator), (176, 240), mode="bicubic").clamp(0, 255)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    depth = torch.from_numpy(session.run(None, {"images": images.numpy()})[0])
    with torch.no_grad():
        torch.testing.assert_close(depth, Deployable(model)(images), rtol=0, atol=1e-4)
        maps, others = model.backbone(images), build(0.9).backbone(images)
    assert all((a - b).abs().max() > 0.1 for a, b in zip(maps, others, strict=True)), "which tokens it are is seen"


def test_a_random_choice_is_not_exported(tmp_path):
    backbone = dict(type="ToSA", **SMALL, depth=2, out_indices=(0, 1), importance="random")
    head = dict(type="DPTHead", in_channels=(24, 24), channels=8, scales=(4, 2))
    model = DepthEstimator(backbone=backbone, decode_head=head).eval()
    with pytest.raises(InputError, match=r"m.onnx: importance='random' draws other patches in each pass"):
        export_model(model, tmp_path / "m.onnx", "onnx")
    assert not list(tmp_path.iterdir())
