"""Backbones that select or merge tokens in ways of their own, in one graph: each export takes seconds."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.export.deployable import Deployable, Form
from depthkit.export.formats import export_model
from depthkit.models import DepthEstimator
from depthkit.registry import MODELS, depthkit_scope
from depthkit.utils.imagenet_stats import IMAGENET_MEAN, IMAGENET_STD

SMALL = dict(embed_dim=24, num_heads=3)
PREPROCESSOR = dict(type="SegDataPreProcessor", mean=IMAGENET_MEAN, std=IMAGENET_STD)
ALL_OPTIONS = dict(
    type="ToSA", depth=5, selective_layers=(1, 3, 4), selection="shared", importance="predicted_update", keys="all",
    coverage=True,
)  # fmt: skip
PER_HEAD = dict(type="ToSA", depth=2, selection="per_head", keys="all")
TOME = dict(type="ToMe", depth=2, keep_rate=0.6)
KINDS = (ALL_OPTIONS, PER_HEAD, TOME)


class SideBySide(nn.Module):
    """Several backbones in one graph: the last map of each."""

    def __init__(self, *kinds: dict) -> None:
        super().__init__()
        torch.manual_seed(0)
        with depthkit_scope():
            self.of = nn.ModuleList(
                MODELS.build({**SMALL, **kind, "out_indices": (kind["depth"] - 1,)}) for kind in kinds
            )
        for module in self.modules():
            if hasattr(module, "qkv"):  # at initialisation all tokens are nearly alike
                nn.init.normal_(module.qkv.weight, std=0.3)
        for one in self.of:  # as `Deployable` does with a backbone of ours
            one.patch_embed.dynamic_img_pad, one.position_resampling = False, "timm_products"

    def forward(self, images: Tensor) -> list[Tensor]:
        return [one(images)[0] for one in self.of]


def depth_model(backbone: dict, maps: int) -> DepthEstimator:
    head = dict(type="DPTHead", in_channels=(24,) * maps, channels=8, scales=(4, 2, 1)[:maps], readout="ignore")
    return DepthEstimator(data_preprocessor=PREPROCESSOR, backbone=backbone, decode_head=head).eval()


@pytest.mark.slow
def test_onnxruntime_selects_and_merges_as_torch_does(tmp_path):
    """At one size, for the time that it takes; other sizes: `test_merging.py`, `test_formats.py`."""
    onnxruntime = pytest.importorskip("onnxruntime")
    model = depth_model(dict(type="DeiT", **SMALL, depth=3, out_indices=(0, 1, 2)), len(KINDS))
    model.backbone = SideBySide(*KINDS).eval()
    found, _ = export_model(model, tmp_path / "m.onnx", "onnx", form=Form((80, 112)))
    assert all(one.largest < 1e-4 for one in found)
    generator = torch.Generator().manual_seed(1)
    images = 255 * torch.rand(1, 3, 5, 7, generator=generator)
    images = F.interpolate(images, (80, 112), mode="bicubic").clamp(0, 255)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    depth = torch.from_numpy(session.run(None, {"images": images.numpy()})[0])
    others = SideBySide(*({**kind, "keep_rate": 0.9} for kind in KINDS)).eval()
    with torch.no_grad():
        torch.testing.assert_close(depth, Deployable(model)(images), rtol=0, atol=1e-4)
        maps = zip(model.backbone(images), others(images), strict=True)
    assert all((a - b).abs().max() > 0.1 for a, b in maps), "the maps show which tokens were chosen"


def test_a_random_choice_is_not_exported(tmp_path):
    backbone = dict(type="ToSA", **SMALL, depth=2, out_indices=(0, 1), importance="random")
    with pytest.raises(InputError, match=r"m.onnx: importance='random' draws other patches in each pass"):
        export_model(depth_model(backbone, 2), tmp_path / "m.onnx", "onnx")
    assert not list(tmp_path.iterdir())
