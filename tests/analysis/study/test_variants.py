import json

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from depthkit.analysis.study.variants import Variant, choose_variants, read_variants
from depthkit.errors import InputError
from depthkit.registry import MODELS, depthkit_scope
from depthkit.utils.config import load_config
from helpers import REPOSITORY


def test_python_and_json_are_read_alike(tmp_path):
    rows = [{"name": "a", "config": "c", "options": {"x.y": 1}}, {"name": "b", "config": "c", "curve": "of a"}]
    (tmp_path / "v.json").write_text(json.dumps({"variants": rows}))
    (tmp_path / "v.py").write_text(f"variants = {rows}")
    expected = [Variant("a", "c", {"x.y": 1}), Variant("b", "c", {}, "of a")]
    assert read_variants(tmp_path / "v.json") == read_variants(tmp_path / "v.py") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variants = []", "no variant"),
        ("variants = [dict(name='a')]", "config is missing"),
        ("variants = [dict(name='a', config='c')] * 2", "'a'"),
        ("variants = [dict(name='a/b', config='c')]", "'a/b'"),
        ("variants = [dict(name='..', config='c')]", "'..'"),
        (
            "variants = [dict(name='a', config='c', option={'keep_rate': 0.5})]",
            "variants: 0: option: there is no such setting",
        ),
        ("variants = [dict(name='a', config='c', curves='b')]", "variants: 0: curves: there is no such setting"),
        ("variant = 3", "variants"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path, text, message):
    (tmp_path / "v.py").write_text(text)
    with pytest.raises(InputError) as caught:
        read_variants(tmp_path / "v.py")
    assert message in str(caught.value) and "v.py" in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        read_variants(tmp_path / "none.py")


def test_the_baseline_is_always_chosen():
    variants = [Variant(name, "c") for name in "abc"]
    assert [one.name for one in choose_variants(variants, ["c"])] == ["a", "c"]
    assert choose_variants(variants, []) == variants
    with pytest.raises(InputError, match="--only d: unknown; expected some of a, b, c"):
        choose_variants(variants, ["d"])


TOOLS = REPOSITORY / "tools" / "analysis_tools"


@pytest.fixture(scope="module")
def default() -> list[Variant]:
    return read_variants(TOOLS / "depth_tradeoff_variants.py")


def test_the_default_list_has_the_controls(default):
    configs = [load_config(one.config, {"img_size": (224, 304), **one.options}) for one in default]
    backbones = [config.model.backbone for config in configs]
    sizes = {config.img_size for config, one in zip(configs, backbones, strict=True) if one.type == "DeiT"}
    assert len(sizes) >= 4 and sizes == {(224, 304), (192, 256), (160, 224), (128, 176)}
    assert len({max(one.out_indices) for one in backbones if one.type == "DeiT"}) >= 3
    assert {one.type for one in backbones} == {"DeiT", "ToSA", "EViT", "ToMe"}
    importance = {(one.selection, one.get("importance", "attention")) for one in backbones if one.type == "ToSA"}
    assert {("shared", "random"), ("per_head", "random"), ("shared", "update"), ("shared", "attention")} <= importance


@pytest.mark.parametrize("name", ["depth_tradeoff_variants.py", "rooms_tradeoff_variants.py"])
def test_every_variant_takes_a_step_of_training(name):
    small = {"img_size": (64, 80), "pretrained": None, "model.backbone.embed_dim": 48}
    small |= {"model.decode_head.in_channels": (48,) * 4, "model.decode_head.channels": 8}
    depth = SegDataSample(gt_depth_map=PixelData(data=torch.rand(1, 64, 80) * 4 + 0.5))
    for variant in read_variants(TOOLS / name):
        config = load_config(variant.config, {**variant.options, **small})
        torch.manual_seed(0)
        with depthkit_scope():
            model = MODELS.build(config.model).train()
        model.canonical_focal = None  # the depth is random, without a camera
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        before = [parameter.detach().clone() for parameter in model.backbone.blocks[0].parameters()]
        losses = model(torch.randn(1, 3, 64, 80), [depth], mode="loss")
        sum(value for name, value in losses.items() if "loss" in name).backward()
        optimizer.step()
        changed = [not torch.equal(a, b) for a, b in zip(before, model.backbone.blocks[0].parameters(), strict=True)]
        assert any(changed), variant.name
        assert all(torch.isfinite(parameter).all() for parameter in model.parameters()), variant.name
