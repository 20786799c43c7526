import math

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.models import DeiT, EViT
from depthkit.utils.macs import count_macs
from helpers import SMALL_VIT as SMALL

# Reorganises in layers 2 and 4, so that the second one meets the fused token of the first.
TWICE = (1, 0.5, 1, 0.6)
fused_or_not = pytest.mark.parametrize("fuse", [True, False])


def build(seed: int = 0, **kwargs) -> EViT:
    torch.manual_seed(seed)
    model = EViT(**{**SMALL, "num_classes": 10, "keep_rate": TWICE, **kwargs}).eval()
    # At initialisation attention is nearly uniform, and all scores nearly tie.
    for block in model.blocks:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.2)
    return model


def reference(model: EViT, images: torch.Tensor) -> tuple[torch.Tensor, list[list[list[int]]], list[dict]]:
    """EViT written the plain way, image by image, with all of the attention map.

    Returns the normalised tokens; for each reorganising layer and image the kept grid indices (-1: fused); and
    for each image the features that stand for each patch of the grid after the last layer.
    """
    rows, kept_by_layer, stands_for = [], {}, []
    prefix = model.num_prefix_tokens
    for image in images:
        x = model._pos_embed(model.patch_embed(image[None]))[0]
        members = [[i] for i in range(len(x) - prefix)]  # the patches that each token stands for
        dropped = {}
        for layer, block in enumerate(model.blocks):
            entering = x
            attn, heads = block.attn, block.attn.num_heads
            q, k, v = attn.qkv(block.norm1(x)).unflatten(-1, (3, heads, -1)).permute(1, 2, 0, 3)
            maps = (q @ k.transpose(1, 2) * attn.head_dim**-0.5).softmax(-1)
            x = x + attn.proj((maps @ v).transpose(0, 1).flatten(1))
            count = math.ceil(model.keep_rate[layer] * (len(x) - prefix))
            if count < len(x) - prefix:
                score = maps[:, 0, prefix:].mean(0)
                order = score.argsort(descending=True).tolist()
                keep, rest = order[:count], order[count:]
                patches = [x[prefix + i] for i in keep]
                kept = [members[i][0] if len(members[i]) == 1 and members[i][0] >= 0 else -1 for i in keep]
                kept_by_layer.setdefault(layer, []).append(kept)
                left = [members[i] for i in keep]
                if model.fuse_token:
                    patches.append(sum(score[i] * x[prefix + i] for i in rest))
                    # -1 marks the token as a fused one even if it stands for one patch.
                    left.append([-1, *(m for i in rest for m in members[i] if m >= 0)])
                else:
                    dropped.update({members[i][0]: entering[prefix + i] for i in rest})
                x, members = torch.cat([x[:prefix], torch.stack(patches)]), left
            x = x + block.mlp(block.norm2(x))
        stands_for.append(dropped | {m: x[prefix + i] for i, own in enumerate(members) for m in own if m >= 0})
        rows.append(model.norm(x))
    return torch.stack(rows), list(kept_by_layer.values()), stands_for


@fused_or_not
@pytest.mark.parametrize("distilled", [False, True])
@pytest.mark.parametrize(
    ("rates", "size"),
    [
        (TWICE, (64, 64)),
        ((0.9, 0.7, 0.5, 0.3), (80, 48)),  # 15 patches, an odd number
        ((0.01, 1, 1, 1), (64, 112)),  # one patch left
        ((1, 0.51, 0.51, 1), (17, 50)),  # padded to 2 x 4
    ],
)
def test_equals_the_plain_form(fuse, distilled, rates, size):
    model = build(keep_rate=rates, fuse_token=fuse, distilled=distilled, out_indices=(3,))
    images = torch.randn(2, 3, *size)
    with torch.no_grad():
        tokens, indices = model.forward_features(images, return_indices=True)
        padded = torch.nn.functional.pad(images, (0, -size[1] % 16, 0, -size[0] % 16))
        expected, kept, stands_for = reference(model, padded)
        features = model.extract_features(images)
        [(patches, prefix)] = features.maps
        torch.testing.assert_close(model.forward_features(images), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(tokens, expected, atol=1e-5, rtol=1e-5)
    assert [index.tolist() for index in indices] == kept
    # On the grid: every patch has its token's features, removed ones what stands for them.
    on_grid = torch.stack([torch.stack([own[i] for i in range(len(own))]) for own in stands_for])
    torch.testing.assert_close(patches.flatten(2).transpose(1, 2), on_grid, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model.norm(prefix), expected[:, : model.num_prefix_tokens], atol=1e-5, rtol=1e-5)
    assert features.losses == {}


@fused_or_not
def test_gradients_are_those_of_the_plain_form(fuse):
    images, model = torch.randn(2, 3, 64, 48), build(fuse_token=fuse).train()
    gradients = []
    for features in (model.forward_features, lambda x: reference(model, x)[0]):
        model.zero_grad()
        features(images)[:, 0].square().sum().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-3)
    # The scores weigh the fused token, and so get a gradient themselves.
    assert gradients[0]["blocks.1.attn.qkv.weight"].abs().sum() > 0


@settings(max_examples=25, deadline=None)
@given(
    rates=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    height=st.integers(1, 100),
    width=st.integers(1, 100),
    fuse=st.booleans(),
)
def test_what_is_kept_can_be_traced_to_the_grid(rates, height, width, fuse):
    model = build(keep_rate=rates, fuse_token=fuse, out_indices=(0, 3))
    images = torch.randn(2, 3, height, width)
    with torch.no_grad():
        tokens, indices = model.forward_features(images, return_indices=True)
        maps = model(images)
    grid = math.ceil(height / 16), math.ceil(width / 16)
    assert [tuple(m.shape) for m in maps] == [(2, 48, *grid)] * 2
    before, left = [set(range(grid[0] * grid[1]))] * 2, grid[0] * grid[1]
    sizes = []
    for rate in rates:
        if math.ceil(rate * left) < left:
            sizes.append(math.ceil(rate * left))
            left = sizes[-1] + fuse
    assert [index.shape[1] for index in indices] == sizes
    assert tokens.shape[1] == 1 + left
    for earlier, index in enumerate(indices):
        now = [[i for i in row if i >= 0] for row in index.tolist()]
        for row, old, patches in zip(index.tolist(), before, now, strict=True):
            assert len(patches) == len(set(patches)) and set(patches) <= old
            assert min(row) >= -1 and row.count(-1) <= fuse * earlier  # one fused token of each earlier layer
        before = [set(patches) for patches in now]


@pytest.mark.parametrize("distilled", [False, True])
def test_keep_rate_one_is_the_dense_deit(distilled):
    model = build(keep_rate=1, distilled=distilled)
    dense = DeiT(num_classes=10, distilled=distilled, **SMALL).eval()
    dense.load_state_dict(model.state_dict())
    images = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        torch.testing.assert_close(model(images), dense(images))
        assert model.forward_features(images, return_indices=True)[1] == []


def test_one_number_is_for_layers_4_7_and_10():
    model = EViT(embed_dim=48, num_heads=3, num_classes=0)
    assert model.keep_rate == (1, 1, 1, 0.7, 1, 1, 0.7, 1, 1, 0.7, 1, 1)
    assert EViT(**{**SMALL, "keep_rate": 0.5}).keep_rate == (1, 1, 1, 0.5)
    with torch.no_grad():
        tokens, kept = model.eval().forward_features(torch.randn(1, 3, 224, 224), return_indices=True)
    # ceil(0.7 * 196), of which and the fused one ceil(0.7 * 139), of which and the fused one ceil(0.7 * 99).
    assert [index.shape[1] for index in kept] == [138, 98, 70]
    assert tokens.shape == (1, 72, 48)


def test_the_keep_rate_can_be_assigned():
    model = build()
    model.keep_rate = 0.25  # of the layers that it was built to reorganise in
    assert model.keep_rate == (1, 0.25, 1, 0.25)
    model.keep_rate = 1
    assert model.keep_rate == (1,) * 4
    model.keep_rate = 0.5
    assert model.keep_rate == (1, 0.5, 1, 0.5)
    model.keep_rate = (1, 1, 0.5, 1)
    assert model.keep_rate == (1, 1, 0.5, 1)
    with pytest.raises(InputError, match="keep_rate=0: "):
        model.keep_rate = 0


def test_real_weights_load_strictly_and_equal_the_plain_form(deit_tiny_weights, timm_deit_tiny):
    model = EViT(embed_dim=192, num_heads=3, num_classes=1000, keep_rate=0.7, pretrained=deit_tiny_weights).eval()
    model.load_state_dict(timm_deit_tiny.state_dict(), strict=True)
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        expected, _, _ = reference(model, images)
        torch.testing.assert_close(model(images), model.forward_head(expected), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_macs_on_deit_small_are_the_papers():
    model = EViT(num_classes=1000).eval()
    images = torch.randn(1, 3, 224, 224)
    macs = []
    for rate in (0.9, 0.8, 0.7, 0.6, 0.5):
        model.keep_rate = rate
        macs.append(round(count_macs(model, images) / 1e9, 1))
    assert macs == [4.0, 3.5, 3.0, 2.6, 2.3]


def test_stochastic_depth_drops_the_branches_of_an_image():
    model = build(drop_path_rate=0.9999, keep_rate=(1, 1, 1, 0.5)).train()
    outputs = []
    model.blocks[3].register_forward_hook(lambda module, args, output: outputs.append((args[0], output)))
    model.forward_features(torch.randn(2, 3, 64, 64))
    (before, after) = outputs[0]
    for old, new in zip(before, after, strict=True):
        assert torch.equal(new[0], old[0])
        assert all((new[i] == old).all(dim=1).any() for i in range(1, 9))


def test_activation_checkpointing_gives_the_same_gradients():
    images = torch.randn(2, 3, 64, 64)
    for use in (
        lambda model: model.extract_features(images).patch_maps[0],
        lambda model: model.forward_features(images),
    ):
        gradients = []
        for enable in (False, True):
            model = build(out_indices=(3,)).train()
            model.set_grad_checkpointing(enable)
            use(model).square().sum().backward()
            gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
        torch.testing.assert_close(gradients[0], gradients[1])


def test_timms_ways_of_using_a_model_work():
    images = torch.randn(1, 3, 64, 64)
    model = build(distilled=True)
    model.reset_classifier(7)
    assert model(images).shape == (1, 7)
    assert [tuple(m.shape) for m in model.get_intermediate_layers(images, 2)] == [(1, 16, 48)] * 2
    tokens, maps = model.forward_intermediates(images, indices=[1, 3], norm=True, return_prefix_tokens=True)
    assert torch.equal(tokens, model.forward_features(images))
    assert [(tuple(m.shape), tuple(p.shape)) for m, p in maps] == [((1, 48, 4, 4), (1, 2, 48))] * 2
    with pytest.raises(InputError, match="attn_mask"):
        model.forward_features(images, attn_mask=torch.ones(18, 18))
    features = timm.create_model("evit_deit_tiny_patch16_224", features_only=True, out_indices=(2, 5))
    assert [tuple(m.shape) for m in features(torch.randn(1, 3, 224, 224))] == [(1, 192, 14, 14)] * 2


def test_register_tokens_are_never_removed():
    model = build(reg_tokens=2, out_indices=(3,))
    [(_, prefix)] = model.extract_features(torch.randn(1, 3, 64, 64)).maps
    assert prefix.shape == (1, 3, 48)
    assert model.forward_features(torch.randn(1, 3, 64, 64)).shape[1] == 3 + math.ceil(0.6 * 9) + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keep_rate": 0}, "keep_rate=0.0: expected numbers above 0 and at most 1"),
        ({"keep_rate": -0.5}, "keep_rate=-0.5"),
        ({"keep_rate": 1.5}, "keep_rate=1.5"),
        ({"keep_rate": (1, 1, 1, 0)}, "keep_rate=(1.0, 1.0, 1.0, 0.0): expected numbers above 0"),
        ({"keep_rate": (0.5, 0.5)}, "one for each of the 4 layers"),
        ({"keep_rate": "half"}, "keep_rate='half': expected a number"),
        ({"keep_rate": float("nan")}, "keep_rate=nan"),
        ({"keep_rate": 0.5, "depth": 3}, "layers 4, 7, 10, of which depth=3 has none; give one rate for each"),
        ({"class_token": False}, "class_token=False: "),
        ({"patch_drop_rate": 0.1}, "patch_drop_rate: "),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(InputError) as error:
        EViT(**{**SMALL, **arguments})
    assert message in str(error.value)
