"""The contract of backbones: `Features`, from ours and from mmseg's."""

import pytest
import timm
import torch

from depthkit.models import DeiT, EViT, ToSA
from depthkit.models.backbones import extract_features
from depthkit.registry import MODELS
from helpers import SMALL_VIT as SMALL

OURS = {
    "DeiT": (DeiT, {}),
    "DeiT distilled": (DeiT, dict(distilled=True)),
    "DeiT without class token": (DeiT, dict(class_token=False, global_pool="avg")),
    "EViT fused": (EViT, dict(num_classes=0, keep_rate=(1, 0.5, 1, 0.6))),
    "EViT dropped": (EViT, dict(num_classes=0, keep_rate=(1, 0.5, 1, 0.6), fuse_token=False)),
    "ToSA per_head": (ToSA, dict(selection="per_head")),
    "ToSA shared": (ToSA, dict(selection="shared")),
}
ours = pytest.mark.parametrize("name", OURS)


def build(name: str, **arguments) -> DeiT:
    torch.manual_seed(0)
    make, own = OURS[name]
    return make(**{**SMALL, **own, **arguments}).eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 50, 64, generator=torch.Generator().manual_seed(0))


@ours
@pytest.mark.parametrize("with_tokens", [False, True])
def test_features_are_timms_intermediates_and_final_tokens(name, images, with_tokens):
    model = build(name, out_indices=(0, 2))
    with torch.inference_mode():
        features = model.extract_features(images, with_tokens)
        tokens, maps = model.forward_intermediates(images, [0, 2], return_prefix_tokens=True)
        plain = model(images)
        assert torch.equal(tokens, model.forward_features(images))
    assert features.losses == {}
    assert (features.tokens is None) if not with_tokens else torch.equal(features.tokens, tokens)
    torch.testing.assert_close(list(features.maps), maps, rtol=0, atol=0)
    torch.testing.assert_close(features.patch_maps, plain, rtol=0, atol=0)
    assert [tuple(m.shape) for m in features.patch_maps] == [(2, 48, 4, 4)] * 2


@pytest.mark.parametrize("name", ["EViT fused", "EViT dropped", "ToSA per_head", "ToSA shared"])
@pytest.mark.parametrize("distilled", [False, True])
def test_with_keep_rate_one_features_are_exactly_the_dense_models(name, distilled, images):
    model = build(name, keep_rate=1, distilled=distilled, out_indices=(0, 2))
    dense = DeiT(**SMALL, distilled=distilled, out_indices=(0, 2)).eval()
    dense.load_state_dict(model.state_dict(), strict="ToSA" not in name)
    with torch.inference_mode():
        features, expected = (one.extract_features(images, with_tokens=True) for one in (model, dense))
    assert torch.equal(features.tokens, expected.tokens)
    torch.testing.assert_close(list(features.maps), list(expected.maps), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["ToSA per_head", "ToSA shared"])
def test_bypassed_patches_are_bit_identical_in_the_maps(name, images):
    model = build(name, keep_rate=0.3, out_indices=(0, 1, 2, 3))
    with torch.inference_mode():
        maps = model.extract_features(images).patch_maps
        _, selection = model.forward_features(images, return_selection=True)
    for pair, attended in enumerate(selection):
        changed = (maps[2 * pair] != maps[2 * pair + 1]).any(dim=1)
        assert torch.equal(changed, attended.any(dim=1)) and not changed.all()


@ours
def test_layers_after_the_last_map_run_only_for_the_tokens(name, images):
    model, ran = build(name, out_indices=(0, 2)), []
    for i, block in enumerate(model.blocks):
        block.norm1.register_forward_hook(lambda *_, i=i: ran.append(i))
    model.extract_features(images)
    assert ran == [0, 1, 2]
    model.extract_features(images, with_tokens=True)
    assert ran == [0, 1, 2, 0, 1, 2, 3]


@ours
def test_without_out_indices_there_are_tokens_and_no_maps(name, images):
    model = build(name)
    with torch.inference_mode():
        features = model.extract_features(images, with_tokens=True)
        assert torch.equal(features.tokens, model.forward_features(images))
    assert len(features.maps) == 0


@pytest.mark.parametrize("name", ["ToSA per_head", "ToSA shared"])
def test_losses_are_there_in_training_and_only_of_pairs_that_ran(name, images):
    model = build(name, out_indices=(1,)).train()
    one, both = (model.extract_features(images, with_tokens).losses for with_tokens in (False, True))
    assert set(one) == set(both) == {"loss_selector"}
    assert one["loss_selector"] != both["loss_selector"]
    assert build(name, out_indices=(0,)).train().extract_features(images).losses == {}


@pytest.mark.filterwarnings("ignore")
def test_an_mmseg_backbone_gives_features_too():
    backbone = MODELS.build(
        dict(type="mmseg.MixVisionTransformer", embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 4, 8])
    ).eval()
    images = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        features, expected = extract_features(backbone, images), backbone(images)
    assert features.tokens is None and features.losses == {}
    torch.testing.assert_close(features.patch_maps, tuple(expected), rtol=0, atol=0)


def test_a_foreign_backbone_may_give_a_single_map():
    images = torch.randn(1, 3, 8, 8)
    [only] = extract_features(torch.nn.Identity(), images).maps
    assert only is images


@pytest.mark.parametrize(
    ("make", "arguments"),
    [(DeiT, {}), (EViT, {}), (ToSA, dict(selection="per_head")), (ToSA, dict(selection="shared"))],
)
def test_real_weights_give_timms_logits_with_keep_rate_one(make, arguments, deit_tiny_weights, timm_deit_tiny):
    rate = {} if make is DeiT else dict(keep_rate=1)
    tiny = dict(embed_dim=192, num_heads=3, num_classes=1000, pretrained=deit_tiny_weights)
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        difference = make(**tiny, **rate, **arguments).eval()(images) - timm_deit_tiny(images)
    assert difference.abs().max() < 1e-4


@pytest.mark.parametrize("size", ["tiny", "small", pytest.param("base", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("make", "rates"), [(EViT, (1, 1, 1, 0.6) + (1, 1, 0.6) * 2 + (1, 1)), (ToSA, (0.6,) * 6)])
def test_timm_and_mm_know_the_models(make, rates, size):
    model = timm.create_model(f"{make.__name__.lower()}_deit_{size}_patch16_224", keep_rate=0.6)
    assert type(model) is make is MODELS.get(make.__name__)
    assert (model.num_classes, model.keep_rate) == (1000, rates)
    assert timm.data.resolve_model_data_config(model)["input_size"] == (3, 224, 224)


@pytest.mark.parametrize("make", [EViT, ToSA])
def test_timm_loads_a_local_file_and_resamples_it_to_a_higher_resolution(make, deit_tiny_weights):
    name, overlay = f"{make.__name__.lower()}_deit_tiny_patch16_224", dict(file=str(deit_tiny_weights))
    model = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay)
    direct = make(embed_dim=192, num_heads=3, num_classes=1000, pretrained=deit_tiny_weights)
    torch.testing.assert_close(model.state_dict(), direct.state_dict())
    large = timm.create_model(name, img_size=288, pretrained=True, pretrained_cfg_overlay=overlay)
    assert large.pos_embed.shape == (1, 1 + 18 * 18, 192)
