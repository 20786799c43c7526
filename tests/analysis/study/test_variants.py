import json

import pytest

from depthkit.analysis.study.variants import Variant, choose_variants, read_variants
from depthkit.errors import InputError
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


def test_the_default_list_has_the_controls_and_every_config_can_be_read():
    variants = read_variants(REPOSITORY / "tools" / "analysis_tools" / "depth_tradeoff_variants.py")
    configs = [load_config(one.config, {"img_size": (224, 304), **one.options}) for one in variants]
    backbones = [config.model.backbone for config in configs]
    sizes = {config.img_size for config, one in zip(configs, backbones, strict=True) if one.type == "DeiT"}
    assert len(sizes) >= 4 and sizes == {(224, 304), (192, 256), (160, 224), (128, 176)}
    assert len({max(one.out_indices) for one in backbones if one.type == "DeiT"}) >= 3
    assert {one.type for one in backbones} == {"DeiT", "ToSA", "EViT", "ToMe"}
    importance = {(one.selection, one.get("importance", "attention")) for one in backbones if one.type == "ToSA"}
    assert {("shared", "random"), ("per_head", "random"), ("shared", "update"), ("shared", "attention")} <= importance
