import pytest
import timm
import torch
from safetensors.torch import save_file

from depthkit.errors import InputError
from depthkit.models import DeiT, DINOv2
from plain_depth_models import dino_positions

SMALL = dict(img_size=70, embed_dim=48, depth=4, num_heads=3)


@pytest.mark.parametrize("name", ["vit_small_patch14_dinov2", "vit_small_patch14_reg4_dinov2"])
def test_it_has_timms_keys_and_computes_what_timms_model_computes(name, tmp_path):
    reference = timm.create_model(name, pretrained=False, dynamic_img_size=True).eval()
    save_file(reference.state_dict(), tmp_path / "weights.safetensors")
    model = DINOv2(
        reg_tokens=4 * ("reg4" in name),
        pretrained=tmp_path / "weights.safetensors",
        position_resampling="timm",
        out_indices=(2, 11),
    ).eval()
    assert model.hub_name == name
    assert model.state_dict().keys() == reference.state_dict().keys()
    images = torch.randn(1, 3, 56, 84)
    with torch.no_grad():
        features = model.extract_features(images, with_tokens=True)
        tokens, maps = reference.forward_intermediates(images, indices=[2, 11], norm=True)
    torch.testing.assert_close(features.tokens, tokens)
    torch.testing.assert_close(list(features.patch_maps), maps)


@pytest.mark.parametrize(("height", "width"), [(70, 70), (42, 98)])
def test_positions_are_the_authors(height, width):
    torch.manual_seed(0)
    model = DINOv2(**SMALL, out_indices=(3,)).eval()
    torch.nn.init.normal_(model.pos_embed)
    entered = []
    model.blocks[0].register_forward_pre_hook(lambda module, args: entered.append(args[0]))
    images = torch.randn(1, 3, height, width)
    model(images)
    grid = (height // 14, width // 14)
    patches = model.patch_embed(images).flatten(1, 2)
    expected = torch.cat([model.cls_token, patches], dim=1) + dino_positions(model.pos_embed, grid)
    torch.testing.assert_close(entered[0], expected)


def test_maps_and_their_class_token_are_normalised():
    model = DINOv2(**SMALL, out_indices=(1, 3)).eval()
    plain = DINOv2(**SMALL, out_indices=(1, 3), norm_maps=False).eval()
    plain.load_state_dict(model.state_dict())
    images = torch.randn(1, 3, 70, 70)
    for (patches, token), (raw_patches, raw_token) in zip(
        model.extract_features(images).maps, plain.extract_features(images).maps, strict=True
    ):
        torch.testing.assert_close(token, model.norm(raw_token))
        torch.testing.assert_close(patches, model.norm(raw_patches.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


def test_the_epsilon_is_in_every_norm():
    model = DINOv2(**SMALL, norm_eps=1e-5)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.LayerNorm)]
    assert len(norms) == 9 and {norm.eps for norm in norms} == {1e-5}
    assert {norm.eps for norm in DeiT().modules() if isinstance(norm, torch.nn.LayerNorm)} == {1e-6}


@pytest.mark.parametrize("distilled", [False, True])
def test_a_deit_with_other_positions_keeps_its_prefix_tokens(distilled):
    arguments = dict(img_size=64, embed_dim=48, depth=2, num_heads=3, distilled=distilled)
    model, other = DeiT(**arguments).eval(), DeiT(**arguments, position_resampling="bilinear").eval()
    other.load_state_dict(model.state_dict())
    images = torch.randn(2, 3, 64, 64)  # the table's size: all rules agree
    assert torch.equal(model(images), other(images))
    assert other(torch.randn(1, 3, 48, 80)).shape == (1, 48)


def test_weights_of_the_hub_are_named_in_the_message(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(InputError, match="vit_base_patch14_dinov2"):
        DINOv2(embed_dim=768, num_heads=12, depth=1, pretrained=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(position_resampling="nearest"), "position_resampling='nearest': expected one of"),
        (dict(norm_eps=0), "norm_eps=0: expected a number above 0"),
        (dict(reg_tokens=-1), "reg_tokens=-1: expected a number of 0 or more"),
        (dict(norm_map=True), "unexpected keyword argument 'norm_map'; did you mean norm_maps?"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(InputError) as caught:
        DINOv2(**SMALL, **arguments)
    assert message in str(caught.value)
