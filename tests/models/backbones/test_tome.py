import pytest
import torch
import torch.nn.functional as F

from depthkit.errors import InputError
from depthkit.models import DeiT, DepthEstimator, ToMe
from depthkit.utils.macs import count_macs
from helpers import SMALL_VIT as SMALL


def build(seed: int = 0, **kwargs) -> ToMe:
    torch.manual_seed(seed)
    model = ToMe(**{**SMALL, **kwargs}).eval()
    # At initialisation all tokens are nearly alike.
    for block in model.blocks:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.2)
    return model


def plain(model: ToMe, image: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """ToMe written the plain way for one image (3, H, W): lists of tokens and of their members.

    Returns the normalised tokens after the last layer, and after each layer one token for each place of the grid.
    """
    x = model._pos_embed(model.patch_embed(image[None]))[0]
    prefix, everything = model.num_prefix_tokens, len(x)
    members, maps = [[i] for i in range(everything)], []
    for block, rate in zip(model.blocks, model.keep_rate, strict=True):
        attn = block.attn
        q, k, v = attn.qkv(block.norm1(x)).unflatten(-1, (3, attn.num_heads, -1)).permute(1, 2, 0, 3)
        weights = (q @ k.transpose(1, 2) * attn.head_dim**-0.5).exp()
        if block.proportional:
            weights = weights * torch.tensor([len(m) for m in members])
        joined = (weights / weights.sum(-1, keepdim=True)) @ v
        x = x + attn.proj(joined.transpose(0, 1).flatten(1))

        keys = k.mean(0)
        pairs = []
        for a in range(prefix, len(x), 2):
            similar = [
                (F.cosine_similarity(keys[a], keys[b], dim=0).item(), a, b) for b in range(prefix + 1, len(x), 2)
            ]
            pairs += [max(similar)] if similar else []
        count = len(x) - prefix - max(1, round(rate * (everything - prefix)))
        groups = {i: [i] for i in range(len(x))}
        for _, a, b in sorted(pairs, reverse=True)[:count]:
            groups[b].append(a)
            del groups[a]
        weight = [len(m) for m in members]
        x = torch.stack([sum(x[i] * weight[i] for i in g) / sum(weight[i] for i in g) for g in groups.values()])
        members = [[m for i in g for m in members[i]] for g in groups.values()]

        x = x + block.mlp(block.norm2(x))
        places = {m: token for token, group in zip(x, members, strict=True) for m in group}
        maps.append(torch.stack([places[i] for i in range(everything)]))
    return model.norm(x), maps


@pytest.mark.parametrize("more", [{}, {"distilled": True, "proportional": False, "keep_rate": (1, 0.6, 0.5, 0.25)}])
def test_it_equals_the_plain_form(more):
    model = build(**{"keep_rate": 0.4, "out_indices": (0, 1, 2, 3), **more})
    images = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        features = model.extract_features(images, with_tokens=True)
        for i, image in enumerate(images):
            tokens, maps = plain(model, image)
            torch.testing.assert_close(model.forward_features(images)[i], tokens, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(features.tokens[i], model.norm(maps[-1]), atol=1e-5, rtol=1e-4)
            for found, expected in zip(features.patch_maps, maps, strict=True):
                grid = expected[model.num_prefix_tokens :].T.unflatten(1, (4, 3))
                torch.testing.assert_close(found[i], grid, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("distilled", [False, True])
def test_keep_rate_one_is_the_dense_deit(distilled):
    model = build(keep_rate=1, out_indices=(1, 3), distilled=distilled)
    dense = DeiT(**SMALL, out_indices=(1, 3), distilled=distilled).eval()
    dense.load_state_dict(model.state_dict())
    images = torch.randn(2, 3, 64, 50)
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(model(images), dense(images), strict=True))


def test_as_many_tokens_are_left_as_the_rates_say():
    model = build(keep_rate=0.5)
    assert model.keep_rate == (0.875, 0.75, 0.625, 0.5)
    assert model.forward_features(torch.randn(1, 3, 64, 64)).shape == (1, 1 + 8, 48)
    model.keep_rate = (0.5, 0.5, 0.25, 0.25)
    assert model.forward_features(torch.randn(1, 3, 64, 64)).shape == (1, 1 + 4, 48)
    assert model.forward_features(torch.randn(1, 3, 16, 16)).shape == (1, 1 + 1, 48)


def test_fewer_tokens_cost_less():
    images = torch.randn(1, 3, 64, 64)
    dense, half = (count_macs(build(keep_rate=rate), images) for rate in (1, 0.5))
    width, mlp = 48, 2 * 4 * 48 * 48
    # Tokens that enter attention and MLP of each layer; and the similarities of 8x8, 7x7, 6x6 and 5x5 patches.
    attended, left = (17, 15, 13, 11), (15, 13, 11, 9)
    expected = 16 * 768 * width + sum(4 * n * width**2 + 2 * n * n * width for n in attended)
    expected += sum(n * mlp for n in left) + 16 * sum(n * n for n in (8, 7, 6, 5))
    assert half == expected < dense


def test_a_depth_model_trains_with_it():
    model = DepthEstimator(
        backbone=dict(type="ToMe", **SMALL, out_indices=(0, 1, 2, 3)),
        decode_head=dict(type="DPTHead", in_channels=(48,) * 4, channels=8),
    )
    gradients = []
    for checkpointing in (False, True):
        model.train().zero_grad()
        model.backbone.set_grad_checkpointing(checkpointing)
        torch.manual_seed(0)
        depth = model(torch.randn(2, 3, 64, 48))
        assert depth.shape == (2, 1, 64, 48)
        depth.sum().backward()
        gradients.append(model.backbone.blocks[0].attn.qkv.weight.grad.clone())
    assert gradients[0].abs().sum() > 0
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("rate", [(1, 0.4, 0.4, 0.4), (0.5, 0.6, 0.5, 0.5), (0.5, 0.5)])
def test_rates_that_cannot_be_merged(rate):
    with pytest.raises(InputError, match="keep_rate="):
        build(keep_rate=rate)


@pytest.mark.parametrize("class_token", [False, True])
def test_a_mean_counts_each_patch(class_token):
    model = build(global_pool="avg", class_token=class_token, num_classes=5, keep_rate=(1, 0.6, 0.5, 0.25))
    image = torch.randn(3, 64, 64)
    with torch.inference_mode():
        tokens = model.norm(plain(model, image)[1][-1])[None]
        torch.testing.assert_close(model(image[None]), model.forward_head(tokens))


def test_prefix_tokens_are_counted():
    with pytest.raises(InputError, match="reg_tokens="):
        build(reg_tokens="a")
    model = build(reg_tokens=2, keep_rate=0.5)
    assert model.forward_features(torch.randn(1, 3, 64, 64)).shape == (1, 3 + 8, 48)
