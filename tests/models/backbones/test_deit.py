import pytest
import timm
import torch
from safetensors.torch import save_file

from depthkit.errors import InputError
from depthkit.models import DeiT

SMALL = dict(embed_dim=48, depth=4, num_heads=3)


@pytest.mark.parametrize("name", ["deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
def test_logits_equal_timms(name, tmp_path):
    reference = timm.create_model(name, pretrained=False).eval()
    save_file(reference.state_dict(), tmp_path / "weights.safetensors")
    model = DeiT(
        embed_dim=192,
        num_heads=3,
        num_classes=1000,
        distilled="distilled" in name,
        pretrained=tmp_path / "weights.safetensors",
    ).eval()
    assert model.state_dict().keys() == reference.state_dict().keys()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(model(images), reference(images))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 80), (50, 33), (16, 16)])
def test_maps_cover_any_size(height, width):
    model = DeiT(img_size=64, out_indices=(0, 2, 3), **SMALL)
    maps = model(torch.randn(2, 3, height, width))
    assert [tuple(m.shape) for m in maps] == [(2, 48, -(-height // 16), -(-width // 16))] * 3


def test_maps_are_the_layers_outputs_and_come_with_the_prefix_tokens():
    model = DeiT(img_size=64, out_indices=(1,), distilled=True, **SMALL).eval()
    outputs = []
    model.blocks[1].register_forward_hook(lambda module, args, output: outputs.append(output))
    features = model.extract_features(torch.randn(1, 3, 32, 48))
    [(patches, prefix)] = features.maps
    assert prefix.shape == (1, 2, 48)
    assert torch.equal(prefix, outputs[0][:, :2])
    assert torch.equal(patches.flatten(2).transpose(1, 2), outputs[0][:, 2:])
    assert features.losses == {} and features.tokens is None


def test_position_embedding_of_another_input_is_resampled_as_timm_does(tmp_path):
    small = DeiT(img_size=64, **SMALL)
    torch.save({"model": small.state_dict()}, tmp_path / "weights.pth")
    wide = DeiT(img_size=(64, 96), pretrained=tmp_path / "weights.pth", **SMALL).eval()
    assert wide.pos_embed.shape == (1, 1 + 4 * 6, 48)
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(wide(images), small.eval()(images), atol=1e-4, rtol=1e-4)


def test_mmengine_does_not_initialise_over_loaded_weights(tmp_path):
    from mmengine.model import BaseModule

    source = DeiT(img_size=64, **SMALL)
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    parent = BaseModule()
    parent.backbone = DeiT(img_size=64, pretrained=tmp_path / "weights.pth", **SMALL)
    parent._dump_init_info = lambda: None
    parent.init_weights()
    assert torch.equal(parent.backbone.pos_embed, source.pos_embed)


@pytest.mark.parametrize("indices", [(1, 4), (2, 1), (1, 1), (), (-1,)])
def test_layers_that_are_not_there_or_not_in_order_are_an_error(indices):
    with pytest.raises(InputError, match="out_indices=.*depth=4"):
        DeiT(out_indices=indices, **SMALL)
