"""timm's vision transformers in their ToSA form: every family that timm knows, small."""

import copy
import re

import pytest
import timm
import torch
from timm.layers import AttentionRope
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from depthkit.errors import InputError
from depthkit.models import DeiT, DINOv2, ToSA, tosa_from_timm

SMALL = dict(embed_dim=48, depth=4, num_heads=3, num_classes=5)
both = pytest.mark.parametrize("selection", ["per_head", "shared"])


def families() -> list[str]:
    """One of timm's names for each family: sizes of the model and of its input left out of the name."""
    sizes = r"(x?tiny|x?small|base|large|huge|giant(opt)?|gigantic|medium|betwixt|wee|little|so\d+m2?|\d+m|\db)"
    names: dict[str, str] = {}
    for module in ("vision_transformer", "deit"):
        for name in timm.list_models(module=module):
            names.setdefault(re.sub(r"_\d{3}$", "", re.sub(f"_({sizes})(?=_|$)", "", name)), name)
    return [*names.values(), "vit_tiny_r_s16_p8_224"]


def create(name: str = "deit_tiny_patch16_224", seed: int = 0, **kwargs) -> VisionTransformer:
    """A small one of that name for images of 4 x 4 patches, whose output shows what every layer does."""
    torch.manual_seed(seed)
    patch = 32 if "_r_" in name else int(re.search(r"patch(\d+)_", name + "_patch16_").group(1))
    model = timm.create_model(name, img_size=4 * patch, **{**SMALL, **kwargs}).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "gamma" in parameter_name or "head" in parameter_name:
                parameter.normal_()
    return model


def random_images(vit: VisionTransformer, count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, *vit.patch_embed.img_size)


UNSUPPORTED = {"ParallelThingsBlock", "ParallelScalingBlock", "ResPostBlock"}
UNSUPPORTED |= {"DiffParallelScalingBlock", "DiffAttention"}


@pytest.mark.parametrize("name", families())
def test_every_family_of_timm(name):
    vit = create(name)
    blocks = {type(module).__name__ for module in vit.blocks.modules()}
    if blocks & UNSUPPORTED:
        with pytest.raises(InputError, match="blocks.0") as caught:
            tosa_from_timm(vit)
        assert any(kind in str(caught.value) for kind in UNSUPPORTED)
        return
    images = random_images(vit)
    with torch.no_grad():
        expected = vit(images)
        assert not torch.equal(expected[0], expected[1])
        for selection in ("per_head", "shared"):
            model = tosa_from_timm(vit, keep_rate=1, selection=selection)
            assert torch.equal(model(images), expected)
            assert torch.equal(model.forward_features(images), vit.forward_features(images))
            model.keep_rate = 0.5
            assert not torch.equal(model(images), expected)
    # The layers of the original are what they were.
    assert not any(isinstance(block, ToSA) or hasattr(block, "selector") for block in vit.blocks)


@both
@pytest.mark.parametrize(
    "arguments",
    [
        dict(qk_norm=True),
        dict(init_values=0.1, reg_tokens=3, no_embed_class=True),
        dict(class_token=False, global_pool="avg"),
        dict(class_token=False, global_pool="map"),
        dict(pre_norm=True, norm_layer=nn.LayerNorm),
        dict(qkv_bias=False, scale_attn_norm=True, scale_mlp_norm=True, depth=5),
        dict(pos_embed="none", global_pool=""),
    ],
    ids=str,
)
def test_constructor_arguments(arguments, selection):
    torch.manual_seed(0)
    vit = VisionTransformer(img_size=56, patch_size=14, **{**SMALL, **arguments}).eval()
    images = random_images(vit)
    with torch.no_grad():
        model = tosa_from_timm(vit, keep_rate=1, selection=selection)
        # Not bit by bit: sums into other memory let matrix products run on rows that lie differently.
        torch.testing.assert_close(model(images), vit(images), atol=1e-6, rtol=1e-5)
        for asked in (
            {},
            {"indices": [0, 2], "norm": True, "return_prefix_tokens": True},
            {"indices": 2, "output_fmt": "NLC"},
            {"indices": [1], "stop_early": True},
        ):
            torch.testing.assert_close(
                model.forward_intermediates(images, **asked), vit.forward_intermediates(images, **asked)
            )
        torch.testing.assert_close(
            model.get_intermediate_layers(images, 2, reshape=True, norm=True),
            vit.get_intermediate_layers(images, 2, reshape=True, norm=True),
        )


@both
@pytest.mark.parametrize("prefix", [0, 1, 2, 5])
def test_bypassed_tokens_are_bit_identical_whatever_the_prefix(selection, prefix):
    torch.manual_seed(0)
    if prefix == 2:
        vit = create("deit_tiny_distilled_patch16_224")
    else:
        kind = dict(class_token=prefix > 0, global_pool="avg", reg_tokens=max(prefix - 1, 0))
        vit = VisionTransformer(img_size=64, init_values=0.5, **kind, **SMALL).eval()
    model = tosa_from_timm(vit, keep_rate=0.4, selection=selection)
    seen = []
    model.blocks[1].register_forward_hook(lambda module, args, output: seen.append((args[0], output)))
    with torch.no_grad():
        _, maps = model.forward_features(random_images(vit), return_selection=True)
    [(before, after)] = seen
    assert [tuple(m.shape) for m in maps] == [(2, 3 if selection == "per_head" else 1, 4, 4)] * 2
    assert (maps[0].flatten(2).sum(-1) == 6).all()
    changed = (before != after).any(dim=-1)
    assert torch.equal(changed[:, prefix:], maps[0].any(dim=1).flatten(1))
    assert changed[:, :prefix].all()


@both
def test_chosen_layers_become_selective(selection):
    vit = create("vit_small_patch14_reg4_dinov2", depth=6, dynamic_img_size=True)
    images = torch.randn(2, 3, 42, 70)
    model = tosa_from_timm(vit, keep_rate=1, selection=selection, selective_layers=(1, 4), out_indices=(2, 5))
    assert model.selective_layers == (1, 4) and model.keep_rate == (1, 1)
    with torch.no_grad():
        dense = vit.forward_intermediates(images, indices=[2, 5], intermediates_only=True)
        assert all(torch.equal(a, b) for a, b in zip(model(images), dense, strict=True))
        model.keep_rate = 0.4
        _, maps = model.forward_features(images, return_selection=True)
    assert [int(attended[0, 0].sum()) for attended in maps] == [6, 6]


def small_dinov2(**arguments) -> DINOv2:
    torch.manual_seed(0)
    settings = dict(img_size=70, embed_dim=48, depth=12, num_heads=3, out_indices=(2, 5, 8, 11))
    vit = DINOv2(**settings | arguments).eval()
    with torch.no_grad():
        for name, parameter in vit.named_parameters():
            if "gamma" in name or "norm" in name or "qkv" in name:
                parameter.normal_(std=0.3)
    return vit


@both
@pytest.mark.parametrize(
    "arguments",
    [
        dict(),
        dict(reg_tokens=4),
        dict(reg_tokens=4, position_resampling="timm", norm_eps=1e-5),
        dict(norm_maps=False, position_resampling="bilinear"),
    ],
    ids=str,
)
def test_dinov2_of_the_published_models(selection, arguments):
    vit = small_dinov2(**arguments)
    layers, taps = (1, 4, 7, 10), (2, 5, 8, 11)
    model = tosa_from_timm(vit, keep_rate=1, selection=selection, selective_layers=layers, out_indices=taps)
    seen = {}
    for layer in layers:
        model.blocks[layer].register_forward_hook(lambda _, args, out, i=layer: seen.update({i: (args[0], out)}))
    images = torch.randn(2, 3, 98, 126)  # 7 x 9 patches: windows of 4 x 4 are cut off at two sides
    with torch.no_grad():
        features, expected = (one.extract_features(images, with_tokens=True) for one in (model, vit))
        torch.testing.assert_close(list(features.maps), list(expected.maps), rtol=0, atol=0)
        assert torch.equal(features.tokens, expected.tokens)
        model.keep_rate = 0.4
        _, maps = model.forward_features(images, return_selection=True)
        assert not torch.equal(model(images)[0], vit(images)[0])
    for layer, attended in zip(layers, maps, strict=True):
        assert (attended.flatten(2).sum(-1) == 25).all()
        changed = (seen[layer][0] != seen[layer][1]).any(dim=-1)
        assert torch.equal(changed[:, vit.num_prefix_tokens :], attended.any(dim=1).flatten(1))
        assert changed[:, : vit.num_prefix_tokens].all()


@pytest.mark.parametrize("norm_maps", [False, True])
def test_a_normalised_map_is_the_norm_of_the_plain_one(norm_maps):
    vit = small_dinov2(norm_maps=norm_maps)
    model = tosa_from_timm(vit, keep_rate=0.4, out_indices=(2, 5))
    images = torch.randn(1, 3, 70, 56)
    with torch.no_grad():
        plain = model.forward_intermediates(images, [2, 5], norm=norm_maps, intermediates_only=True)
        assert all(torch.equal(a, b) for a, b in zip(model(images), plain, strict=True))


def test_parameters_are_the_same_objects_and_only_selectors_are_new():
    vit = create("vit_small_patch14_reg4_dinov2", drop_path_rate=0.1)
    before = {name: id(module) for name, module in vit.named_modules()}
    model = tosa_from_timm(vit)
    own, shared = dict(model.named_parameters()), dict(vit.named_parameters())
    assert {name for name in own if name not in shared} == {f"blocks.{i}.selector.mix.weight" for i in (1, 3)}
    assert all(own[name] is shared[name] for name in shared)
    assert {name: id(module) for name, module in vit.named_modules()} == before
    assert isinstance(model, ToSA) and type(vit) is VisionTransformer
    assert vit.load_state_dict({k: v for k, v in model.state_dict().items() if "selector" not in k}, strict=True)

    with torch.no_grad():
        vit.blocks[0].mlp.fc1.weight.zero_()
    assert (model.blocks[0].mlp.fc1.weight == 0).all()
    independent = copy.deepcopy(model)
    assert independent.blocks[0].mlp.fc1.weight is not vit.blocks[0].mlp.fc1.weight


def test_changing_the_classifier_of_one_leaves_the_other_alone():
    vit = create()
    model = tosa_from_timm(vit)
    model.reset_classifier(7)
    images = random_images(vit)
    assert model(images).shape == (2, 7) and model.num_classes == 7
    assert vit(images).shape == (2, 5) and vit.num_classes == 5


def test_selectors_take_the_type_of_the_weights():
    model = tosa_from_timm(create().to(torch.bfloat16))
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert model(torch.randn(1, 3, 64, 64, dtype=torch.bfloat16)).dtype == torch.bfloat16


@both
def test_it_is_a_backbone_for_dense_prediction_and_trains(selection):
    vit = create("vit_small_patch14_reg4_dinov2", dynamic_img_size=True)
    model = tosa_from_timm(vit, keep_rate=(0.25, 0.5), selection=selection, out_indices=(0, 2, 3)).train()
    features = model.extract_features(torch.randn(2, 3, 28, 70))
    assert [(tuple(m.shape), tuple(p.shape)) for m, p in features.maps] == [((2, 48, 2, 5), (2, 5, 48))] * 3
    (sum(m.square().mean() for m in features.patch_maps) + features.losses["loss_selector"]).backward()
    assert vit.blocks[1].attn.qkv.weight.grad.abs().sum() > 0
    assert model.blocks[1].selector.mix.weight.grad.abs().sum() > 0
    assert [tuple(m.shape) for m in model(torch.randn(2, 3, 28, 70))] == [(2, 48, 2, 5)] * 3


@pytest.mark.parametrize("make", [DeiT, ToSA])
def test_maps_without_prefix_tokens_come_alone(make):
    arguments = dict(img_size=64, class_token=False, global_pool="avg", out_indices=(1, 3))
    vit = make(**arguments, **SMALL)
    maps = vit.eval().extract_features(torch.randn(3, 3, 32, 48)).maps
    assert [tuple(m.shape) for m in maps] == [(3, 48, 2, 3)] * 2
    assert [tuple(m.shape) for m in vit(torch.randn(3, 3, 32, 48))] == [(3, 48, 2, 3)] * 2


def test_our_own_deit_is_converted_too():
    vit = DeiT(img_size=64, distilled=True, out_indices=(1,), **SMALL).eval()
    images = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        dense = vit(images)
        assert torch.equal(tosa_from_timm(vit, keep_rate=1, out_indices=(1,))(images)[0], dense[0])
        assert tosa_from_timm(vit, keep_rate=1)(images).shape == (2, 5)


@both
def test_real_weights(selection, deit_tiny_weights, timm_deit_tiny):
    images = torch.randn(1, 3, 224, 224)
    direct = ToSA(embed_dim=192, num_heads=3, num_classes=1000, selection=selection, pretrained=deit_tiny_weights)
    with torch.no_grad():
        model = tosa_from_timm(timm_deit_tiny, keep_rate=1, selection=selection)
        assert torch.equal(model(images), timm_deit_tiny(images))
        model.keep_rate = 0.5
        assert torch.equal(model(images), direct.eval()(images))


def rotary(vit: VisionTransformer) -> VisionTransformer:
    for block in vit.blocks:
        block.attn = AttentionRope(48, num_heads=3)
    return vit


def gated(vit: VisionTransformer) -> VisionTransformer:
    vit.blocks[2].attn.gate = nn.Linear(48, 48)
    return vit


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rotary(create()), "blocks.0.attn is a AttentionRope"),
        (lambda: gated(create()), "blocks.2.attn is a Attention with a gate"),
        (lambda: create(patch_drop_rate=0.5), "patch dropout"),
        (lambda: timm.create_model("eva02_tiny_patch14_224", depth=1), "Eva: expected a VisionTransformer"),
        (lambda: timm.create_model("resnet10t"), "ResNet: expected a VisionTransformer"),
        (lambda: tosa_from_timm(create()), "expected a VisionTransformer"),
    ],
)
def test_what_has_no_token_selective_form_is_named(make, message):
    with pytest.raises(InputError) as caught:
        tosa_from_timm(make())
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keep_rate": 0}, "keep_rate=0"),
        ({"keep_rate": (0.5,) * 3}, "one for each of the 2 token selective layers"),
        ({"selection": "heads"}, "selection='heads'"),
        ({"out_indices": (4,)}, "out_indices=(4,)"),
        ({"selective_layers": (2, 1)}, "selective_layers=(2, 1)"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(InputError) as caught:
        tosa_from_timm(create(), **arguments)
    assert message in str(caught.value)
