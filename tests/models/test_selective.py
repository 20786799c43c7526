"""Depth models in their token selective form."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.export.formats import export_model
from depthkit.models import DepthEstimator, ToSA
from depthkit.models.selective import check_has_keep_rate, describe_selection, layers_between_taps, make_selective

PREPROCESSOR = dict(type="SegDataPreProcessor", mean=[124, 116, 104], std=[58, 57, 57], bgr_to_rgb=False)


def build(backbone: str = "DeiT", taps: tuple[int, ...] = (2, 5), **arguments) -> DepthEstimator:
    torch.manual_seed(0)
    model = DepthEstimator(
        data_preprocessor=PREPROCESSOR,
        backbone=dict(type=backbone, img_size=64, embed_dim=48, depth=6, num_heads=3, out_indices=taps) | arguments,
        decode_head=dict(type="DPTHead", in_channels=(48,) * len(taps), channels=8, scales=(4, 2)),
    )
    for block in model.backbone.blocks:  # as after training: what attends matters
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.2)
    return model.eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 80, 56, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("selection", ["shared", "per_head"])
def test_keep_rate_one_is_the_dense_model_and_a_lower_one_is_not(selection, images):
    dense = build()
    with torch.no_grad():
        expected = dense(images)
        assert torch.equal(make_selective(dense, 1, selection)(images), expected)
        fewer = make_selective(dense, 0.3, selection)
        assert not torch.equal(fewer(images), expected)
        assert fewer.backbone.keep_rate == (0.3, 0.3) and fewer.backbone.selective_layers == (1, 4)
        assert {block.selection for block in fewer.backbone.selective_blocks} == {selection}
        assert torch.equal(dense(images), expected)
    assert type(dense.backbone).__name__ == "DeiT" and not fewer.training


def test_even_is_patches_by_a_pattern_and_the_others_as_their_neighbours(images):
    dense = build()
    made = make_selective(dense, 0.5, "even")
    assert made.backbone.selective_layers == (1, 2, 3, 4, 5)
    first = made.backbone.blocks[1]
    assert (first.selection, first.importance, first.skipped) == ("shared", "even", "similar")
    assert describe_selection(made.backbone) == {
        "keep_rate": "0.5",
        "selection": "even",
        "selective_layers": "1,2,3,4,5",
    }
    assert dict(made.named_parameters()).keys() == dict(dense.named_parameters()).keys()
    with torch.no_grad():
        assert torch.equal(make_selective(dense, 1, "even")(images), dense(images))
        _, maps = made.backbone.forward_features(images, return_selection=True)
        assert made(images).std() > 0 and len(maps) == 5 and torch.equal(maps[0], maps[4])
        assert torch.equal(make_selective(made, 1)(images), dense(images))
        assert torch.equal(make_selective(made, 0.5, "even")(images), made(images))
    with pytest.raises(InputError, match="importance='attention': selection='even' says it already; leave it out"):
        make_selective(dense, 0.5, "even", importance="attention")
    with pytest.raises(InputError, match="selection=shared: this model is a ToSA with selection=even"):
        make_selective(made, 0.5, "shared")
    for block in made.backbone.selective_blocks:
        block.skipped = "neighbours"  # the first form of `even`
    assert make_selective(made, 0.3, "even").backbone.selective_blocks[0].skipped == "neighbours"


def test_parameters_and_buffers_are_shared_and_only_selectors_are_new():
    dense = build()
    made = make_selective(dense, 0.5)
    own, shared = dict(made.named_parameters()), dict(dense.named_parameters())
    assert {name for name in own if name not in shared} == {f"backbone.blocks.{i}.selector.mix.weight" for i in (1, 4)}
    assert all(own[name] is shared[name] for name in shared)
    assert made.data_preprocessor.mean is dense.data_preprocessor.mean


def test_layers_and_rates_can_be_named(images):
    made = make_selective(build(), (0.5, 0.25), selective_layers=(3, 5))
    assert made.backbone.selective_layers == (3, 5)
    with torch.no_grad():
        _, maps = made.backbone.forward_features(images, return_selection=True)
    assert [int(one[0].sum()) for one in maps] == [10, 5]


def test_a_tosa_gets_another_keep_rate(images):
    trained = build("ToSA", selection="per_head", keep_rate=0.5)
    with torch.no_grad():
        before = trained(images)
        made = make_selective(trained, 0.25)
        assert not torch.equal(made(images), before)
        assert torch.equal(trained(images), before)
        assert torch.equal(make_selective(made, 0.5, "per_head", (1, 3, 5))(images), before)
    assert isinstance(made.backbone, ToSA) and made.backbone.keep_rate == (0.25,) * 3
    assert trained.backbone.keep_rate == (0.5,) * 3
    assert made.backbone.blocks[1].selector.mix.weight is trained.backbone.blocks[1].selector.mix.weight


@pytest.mark.parametrize(
    ("taps", "layers"),
    [
        ((2, 5, 8, 11), (1, 4, 7, 10)),
        ((4, 11, 17, 23), (1, 3, 6, 8, 10, 12, 14, 16, 18, 20, 22)),
        ((5, 11, 17, 23), (2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22)),
        ((8, 9, 10, 11), (1, 3, 5, 7)),
        ((2, 4, 8, 10), (1, 3, 5, 7, 9)),
        ((3,), (2,)),
    ],
)
def test_the_rule_for_the_published_models(taps, layers):
    assert layers_between_taps(taps) == layers


@given(st.sets(st.integers(0, 23), min_size=1, max_size=6))
def test_the_rule_keeps_taps_standard_and_leaves_no_layer_out(taps):
    free = set(range(1, max(taps))) - taps
    if not free:
        with pytest.raises(InputError, match="name some as selective_layers"):
            layers_between_taps(sorted(taps))
        return
    chosen = set(layers_between_taps(sorted(taps)))
    assert chosen <= free and not any(layer + 1 in chosen for layer in chosen)
    # One more would be tapped, the first, unused or beside another one; and right before a tap stands one.
    assert all({layer - 1, layer + 1} & chosen for layer in free - chosen)
    assert all(tap - 1 in chosen for tap in taps if tap - 1 in free)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (build, dict(keep_rate=0), "keep_rate=0.0: expected numbers above 0 and at most 1"),
        (build, dict(keep_rate=(0.5,)), "one for each of the 2 token selective layers"),
        (build, dict(keep_rate=0.5, selection="heads"), "selection='heads': expected one of"),
        (build, dict(keep_rate=0.5, selective_layers=(2, 1)), "in ascending order"),
        (lambda: build(taps=(0, 1)), dict(keep_rate=0.5), "layers 0, 1, and none that could be token selective"),
        (lambda: build("EViT"), dict(keep_rate=0.5), "EViT has no token selective form; expected a model with"),
        (lambda: build("ToMe"), dict(keep_rate=0.5), "ToMe has no token selective form; expected a model with"),
        (lambda: build("ToSA"), dict(keep_rate=0.5, selection="shared"), "is a ToSA with selection=per_head; only its"),
        (lambda: build("ToSA"), dict(keep_rate=0.5, selective_layers=[1]), "a ToSA with selective_layers=(1, 3, 5)"),
    ],
)
def test_what_cannot_be_made_is_said(make, arguments, message):
    with pytest.raises(InputError) as caught:
        make_selective(make(), **arguments)
    assert message in str(caught.value)


def test_a_foreign_backbone_is_named():
    model = build()
    model.backbone = torch.nn.Identity()
    with pytest.raises(InputError, match="Identity has no token selective form"):
        make_selective(model, 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("selection", ["shared", "even"])
def test_the_selective_form_of_a_published_architecture_is_exported(selection, tmp_path):
    """As a torch program; the ONNX of both selections: tests/export/."""
    torch.manual_seed(0)
    dense = DepthEstimator(
        data_preprocessor=PREPROCESSOR,
        backbone=dict(type="DINOv2", img_size=70, embed_dim=48, depth=3, num_heads=3, out_indices=(0, 2)),
        decode_head=dict(
            type="DPTHead", in_channels=(48, 48), level_channels=(8, 8), channels=8, scales=(4, 2), readout="ignore"
        ),
        size_divisor=14,
    )
    for block in dense.backbone.blocks:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.2)
    found, _ = export_model(make_selective(dense.eval(), 0.5, selection), tmp_path / "m.pt2", "torch")
    assert len(found) == 3 and all(one.holds for one in found)


def test_how_a_model_selects_as_text():
    one = make_selective(build(), 0.5, "per_head").backbone
    assert describe_selection(one) == {"keep_rate": "0.5", "selection": "per_head", "selective_layers": "1,4"}
    assert describe_selection(make_selective(build(), (1, 0.25)).backbone)["keep_rate"] == "1.0,0.25"


def test_how_to_select_needs_a_keep_rate():
    check_has_keep_rate(None, None, None)
    check_has_keep_rate(1, "shared", [1])
    with pytest.raises(InputError, match=r"selective_layers=\[1\]: says how patches are selected; give keep_rate too"):
        check_has_keep_rate(None, None, [1])
