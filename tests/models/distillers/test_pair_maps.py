import pytest
import torch

from depthkit.errors import InputError
from depthkit.models import ToSA
from depthkit.models.distillers.pair_maps import read_pair_maps
from depthkit.models.layers.selector import importance


@pytest.fixture
def model() -> ToSA:
    torch.manual_seed(0)
    return ToSA(img_size=64, embed_dim=48, depth=5, num_heads=3, keep_rate=1).eval()


def test_the_maps_are_those_of_the_layers(model):
    images = torch.randn(2, 3, 64, 80)
    pairs = read_pair_maps(model, images)
    assert [pair.grid for pair in pairs] == [(4, 5)] * 2  # the fifth layer has no partner
    assert pairs[0].prefix == 1
    # Written out from timm's attention module, for the second pair: layers 2 and 3.
    tokens = model._pos_embed(model.patch_embed(images))
    seen = []
    hook = model.blocks[2].norm1.register_forward_hook(lambda *a: seen.append(a[2]))
    other = model.blocks[3].norm1.register_forward_hook(lambda *a: seen.append(a[2]))
    with torch.no_grad():
        model.forward_features(images)
    hook.remove(), other.remove()
    for normed, block, maps in zip(
        seen,
        model.blocks[2:4],
        (pairs[1].current(pairs[1].query), pairs[1].following(pairs[1].next_query)),
        strict=True,
    ):
        q, k, _ = block.attn.qkv(normed).reshape(2, tokens.shape[1], 3, 3, 16).permute(2, 0, 3, 1, 4)
        torch.testing.assert_close(maps, q @ k.transpose(-2, -1) / 4)


def test_a_selector_that_predicts_perfectly_has_no_divergence_and_finds_all(model):
    pair = read_pair_maps(model, torch.randn(2, 3, 64, 64))[0]
    pair.block.score_rows = "all"
    pair.next_query, pair.next_key = pair.query, pair.key
    torch.testing.assert_close(pair.divergence(True), torch.zeros(2), atol=1e-6, rtol=0)
    assert pair.loss(torch.arange(5)).item() == pytest.approx(0, abs=1e-6)
    for selection in ("shared", "per_head"):
        pair.block.selection = selection
        assert pair.found(0.5, True).tolist() == [1, 1]


def test_found_counts_patches_of_the_oracle(model):
    pair = read_pair_maps(model, torch.randn(1, 3, 64, 64))[0]
    pair.block.score_rows, pair.block.selection = "all", "shared"

    def best(maps: torch.Tensor) -> set[int]:
        return set(importance(maps).mean(1)[0, 1:].topk(4).indices.tolist())

    expected = best(pair.current(pair.query)) & best(pair.following(pair.next_query))
    assert pair.found(0.25, True).tolist() == [len(expected) / 4]


def test_a_changed_selector_is_told_from_the_identity(model):
    torch.nn.init.normal_(model.blocks[1].selector.mix.weight)
    pair = read_pair_maps(model, torch.randn(1, 3, 64, 64))[0]
    assert pair.divergence(True) != pair.divergence(False)
    torch.nn.init.dirac_(model.blocks[1].selector.mix.weight)
    assert pair.divergence(True) == pair.divergence(False)


def test_the_model_is_left_without_hooks(model):
    read_pair_maps(model, torch.randn(1, 3, 64, 64))
    assert not any(block._forward_pre_hooks for block in model.blocks)


@pytest.mark.parametrize("importance", ["update", "predicted_update", "even", "random"])
def test_a_model_that_does_not_choose_by_attention_predicts_no_maps(importance):
    model = ToSA(img_size=64, embed_dim=48, depth=2, num_heads=3, selection="shared", importance=importance)
    with pytest.raises(InputError, match=f"importance='{importance}': has no selector that predicts attention"):
        read_pair_maps(model.eval(), torch.randn(1, 3, 64, 64))
