import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.models import DeiT, ToSA
from depthkit.models.layers.selector import importance, num_kept, top_patches
from helpers import SMALL_VIT as SMALL

both = pytest.mark.parametrize("selection", ["per_head", "shared"])


def build(seed: int = 0, **kwargs) -> ToSA:
    torch.manual_seed(seed)
    return ToSA(**{**SMALL, **kwargs}).eval()


def run_with_hooks(model: ToSA, images: torch.Tensor):
    """Tokens going in and coming out of every layer, and the selection."""
    seen = {}
    hooks = [
        block.register_forward_hook(lambda module, args, output, i=i: seen.__setitem__(i, (args[0], output)))
        for i, block in enumerate(model.blocks)
    ]
    with torch.no_grad():
        _, selection = model.forward_features(images, return_selection=True)
    for hook in hooks:
        hook.remove()
    return seen, selection


@both
@pytest.mark.parametrize("distilled", [False, True])
def test_keep_rate_one_is_the_dense_deit(selection, distilled):
    model = build(keep_rate=1, selection=selection, num_classes=10, distilled=distilled)
    dense = DeiT(num_classes=10, distilled=distilled, **SMALL).eval()
    missing, unexpected = dense.load_state_dict(model.state_dict(), strict=False)
    assert not missing and all("selector" in key for key in unexpected)
    images = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        torch.testing.assert_close(model(images), dense(images))


@both
@settings(max_examples=20, deadline=None)
@given(rate=st.floats(0.01, 1), rows=st.sampled_from(["all", "grid", "pooled"]), height=st.integers(16, 70))
def test_bypassed_tokens_are_bit_identical_and_the_others_are_not(selection, rate, rows, height):
    model = build(keep_rate=rate, selection=selection, score_rows=rows)
    seen, maps = run_with_hooks(model, torch.randn(2, 3, height, 64))
    for pair, attended in enumerate(maps):
        before, after = seen[2 * pair + 1]
        assert before.shape == after.shape
        expected = num_kept(rate, attended[0, 0].numel())
        assert (attended.flatten(2).sum(-1) == expected).all()
        patch_attended = attended.any(dim=1).flatten(1)
        changed = (before != after).any(dim=-1)
        assert torch.equal(changed[:, 1:], patch_attended)
        assert changed[:, 0].all(), "the class token always attends"


@both
def test_real_weights_bypass_is_bit_identical(selection, deit_tiny_weights):
    model = ToSA(embed_dim=192, num_heads=3, selection=selection, pretrained=deit_tiny_weights).eval()
    seen, maps = run_with_hooks(model, torch.randn(2, 3, 224, 224))
    for pair, attended in enumerate(maps):
        before, after = seen[2 * pair + 1]
        bypassed = ~attended.any(dim=1).flatten(1)
        assert torch.equal(before[:, 1:][bypassed], after[:, 1:][bypassed])


def reference_forward(model: ToSA, images: torch.Tensor) -> torch.Tensor:
    """ToSA written the plain way: every map materialised, every token set looped over."""
    x = model._pos_embed(model.patch_embed(images))
    for layer, block in enumerate(model.blocks):
        heads, scale = block.attn.num_heads, block.attn.head_dim**-0.5
        if layer not in model.selective_layers:
            q, k, v = block.attn.qkv(block.norm1(x)).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
            maps = q @ k.transpose(-2, -1) * scale
            x = x + block.attn.proj((maps.softmax(-1) @ v).transpose(1, 2).flatten(2))
            x = x + block.mlp(block.norm2(x))
            continue

        scores = importance(block.selector(maps))  # from the maps of the layer before
        if block.selection == "shared":
            scores = scores.mean(1, keepdim=True).expand(-1, heads, -1)
        patches = scores.shape[-1] - model.num_prefix_tokens
        index = top_patches(scores, num_kept(block.keep_rate, patches), model.num_prefix_tokens)
        out = x.clone()
        for image in range(len(x)):
            qkv = block.attn.qkv(block.norm1(x[image])).unflatten(-1, (3, heads, -1))
            joined = torch.zeros(x.shape[1], heads, qkv.shape[-1])
            for head in range(heads):
                own = index[image, head]
                q, k, v = qkv[own, :, head].unbind(1)
                joined[own, head] = (q @ k.T * scale).softmax(-1) @ v
            union = index[image].unique()
            tokens = x[image, union] + block.attn.proj(joined.flatten(1))[union]
            out[image, union] = tokens + block.mlp(block.norm2(tokens))
        x = out
    return model.norm(x)


@both
@pytest.mark.parametrize("layers", [None, (2, 5)])
def test_all_rows_equal_a_reference_that_materialises_the_maps(selection, layers):
    more = dict(depth=7, selective_layers=layers) if layers else {}
    model = build(selection=selection, keep_rate=(0.3, 0.6), score_rows="all", distilled=True, **more)
    for block in model.selective_blocks:
        torch.nn.init.normal_(block.selector.mix.weight)
    images = torch.randn(2, 3, 64, 80)
    with torch.no_grad():
        torch.testing.assert_close(
            model.forward_features(images), reference_forward(model, images), atol=1e-5, rtol=1e-4
        )


def test_selection_maps_have_one_entry_for_each_token_selective_layer():
    images = torch.randn(2, 3, 32, 80)
    for selection, heads in (("per_head", 3), ("shared", 1)):
        _, maps = build(selection=selection).forward_features(images, return_selection=True)
        assert [tuple(m.shape) for m in maps] == [(2, heads, 2, 5)] * 2
        assert all(m.dtype == torch.bool for m in maps)


def test_keep_rate_may_differ_by_pair_and_can_be_assigned():
    model = build(keep_rate=(1, 0.25), selection="shared")
    _, maps = model.forward_features(torch.randn(1, 3, 64, 64), return_selection=True)
    assert [int(m.sum()) for m in maps] == [16, 4]
    model.keep_rate = 0.5
    assert model.keep_rate == (0.5, 0.5)
    _, maps = model.forward_features(torch.randn(1, 3, 64, 64), return_selection=True)
    assert [int(m.sum()) for m in maps] == [8, 8]


def test_the_selector_decides_which_tokens_attend():
    model = build(selection="shared", score_rows="all")
    images = torch.randn(1, 3, 64, 64)
    _, before = model.forward_features(images, return_selection=True)
    with torch.no_grad():
        model.blocks[1].selector.mix.weight.neg_()  # what attracted attention now repels it
    _, after = model.forward_features(images, return_selection=True)
    assert not torch.equal(before[0], after[0])


def test_every_second_layer_is_what_none_stands_for():
    model, named = build(depth=5), build(depth=5, selective_layers=(1, 3))
    assert model.selective_layers == named.selective_layers == (1, 3)
    images = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(named.state_dict(), model.state_dict(), rtol=0, atol=0)
    assert torch.equal(named.forward_features(images), model.forward_features(images))


@both
def test_selective_layers_are_those_that_leave_tokens_out(selection):
    model = build(depth=6, selective_layers=(2, 5), keep_rate=(0.5, 0.25), selection=selection)
    selectors = {name.split(".")[1] for name in model.state_dict() if "selector" in name}
    assert selectors == {"2", "5"} and model.keep_rate == (0.5, 0.25)
    seen, maps = run_with_hooks(model, torch.randn(2, 3, 64, 48))
    assert [int(attended[0, 0].sum()) for attended in maps] == [6, 3]
    for layer, (before, after) in seen.items():
        changed = (before != after).any(dim=-1)[:, 1:]
        expected = dict(zip((2, 5), maps, strict=True)).get(layer)
        assert changed.all() if expected is None else torch.equal(changed, expected.any(dim=1).flatten(1))
    model.keep_rate = (1, 0.5)
    assert [block.keep_rate for block in model.selective_blocks] == [1, 0.5]


@both
def test_with_keep_rate_one_selective_layers_change_nothing(selection):
    model = build(depth=6, selective_layers=(1, 4), keep_rate=1, selection=selection, out_indices=(2, 4))
    dense = DeiT(**{**SMALL, "depth": 6}, out_indices=(2, 4)).eval()
    dense.load_state_dict(model.state_dict(), strict=False)
    images = torch.randn(2, 3, 64, 48)
    assert all(torch.equal(a, b) for a, b in zip(model(images), dense(images), strict=True))


def test_only_pairs_that_ran_have_a_loss():
    model = build(depth=6, selective_layers=(2, 5), out_indices=(3,)).train()
    model.extract_features(torch.randn(2, 3, 64, 64)).losses["loss_selector"].backward()
    assert {name for name, p in model.named_parameters() if p.grad is not None} == {"blocks.2.selector.mix.weight"}


def test_an_odd_last_layer_is_a_standard_one():
    model = build(depth=5)
    assert len(model.keep_rate) == 2
    _, maps = model.forward_features(torch.randn(1, 3, 64, 64), return_selection=True)
    assert len(maps) == 2


@both
def test_the_loss_trains_the_selectors_and_nothing_else(selection):
    model = build(selection=selection, out_indices=(1, 3)).train()
    model.extract_features(torch.randn(2, 3, 64, 64)).losses["loss_selector"].backward()
    with_gradient = {name for name, p in model.named_parameters() if p.grad is not None}
    assert with_gradient == {"blocks.1.selector.mix.weight", "blocks.3.selector.mix.weight"}
    assert all(model.get_parameter(name).grad.abs().sum() > 0 for name in with_gradient)

    model.zero_grad()
    sum(m.sum() for m in model.extract_features(torch.randn(2, 3, 64, 64)).patch_maps).backward()
    assert all(p.grad is None for name, p in model.named_parameters() if "selector" in name)
    assert model.blocks[1].attn.qkv.weight.grad.abs().sum() > 0


def test_the_loss_falls_when_the_selectors_are_trained():
    model = build(selection="shared", out_indices=(3,)).train()
    for block in model.blocks[1::2]:
        torch.nn.init.normal_(block.selector.mix.weight)
    selectors = [p for name, p in model.named_parameters() if "selector" in name]
    optimizer = torch.optim.Adam(selectors, lr=0.05)
    images = torch.randn(2, 3, 64, 64)
    values = []
    for _ in range(30):
        loss = model.extract_features(images).losses["loss_selector"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.5 * values[0]


def test_there_is_no_loss_outside_training():
    assert build(out_indices=(3,)).extract_features(torch.randn(1, 3, 64, 64)).losses == {}


@both
def test_activation_checkpointing_gives_the_same_gradients(selection):
    images = torch.randn(2, 3, 64, 64)
    gradients = []
    for enable in (False, True):
        model = build(selection=selection, out_indices=(3,)).train()
        model.set_grad_checkpointing(enable)
        features = model.extract_features(images)
        (features.patch_maps[0].square().sum() + features.losses["loss_selector"]).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    torch.testing.assert_close(gradients[0], gradients[1])


def test_stochastic_depth_leaves_bypassed_tokens_alone():
    model = build(selection="per_head", drop_path_rate=0.5).train()
    seen, maps = run_with_hooks(model, torch.randn(4, 3, 64, 64))
    before, after = seen[3]
    bypassed = ~maps[1].any(dim=1).flatten(1)
    assert torch.equal(before[:, 1:][bypassed], after[:, 1:][bypassed])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keep_rate": 0}, "keep_rate=0.0: expected numbers above 0 and at most 1"),
        ({"keep_rate": 1.5}, "keep_rate=1.5"),
        ({"keep_rate": (0.5, 0.5, 0.5)}, "one for each of the 2 token selective layers"),
        ({"keep_rate": float("nan")}, "keep_rate=nan"),
        ({"selection": "heads"}, "selection='heads': expected one of 'per_head' or 'shared'"),
        ({"score_rows": "some"}, "score_rows='some'"),
        ({"score_stride": 0}, "score_stride=0"),
        ({"cls_token_weight": 1.5}, "cls_token_weight=1.5: expected a number of 1"),
        ({"selective_layers": (0, 2)}, "selective_layers=(0, 2): expected 0-based layers from 1 to 3"),
        ({"selective_layers": (1, 4)}, "selective_layers=(1, 4): expected"),
        ({"selective_layers": (1, 2), "keep_rate": (0.5, 0.3)}, "layers 1 and 2 are side by side and attend the same"),
        ({"selective_layers": (1, 1)}, "in ascending order"),
        ({"selective_layers": (3, 1)}, "selective_layers=(3, 1): expected"),
        ({"selective_layers": ()}, "selective_layers=(): expected"),
        ({"selective_layers": (1, 3), "keep_rate": (0.5,)}, "one for each of the 2 token"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(InputError, match=None) as error:
        ToSA(**{**SMALL, **arguments})
    assert message in str(error.value)


def test_timms_ways_of_using_a_model_work():
    images = torch.randn(1, 3, 64, 64)
    model = build(num_classes=5, distilled=True)
    model.reset_classifier(7)
    assert model(images).shape == (1, 7)
    assert model.forward_features(images, attn_mask=None).shape == (1, 18, 48)
    assert [tuple(m.shape) for m in model.get_intermediate_layers(images, 2)] == [(1, 16, 48)] * 2
    with pytest.raises(InputError, match="attn_mask"):
        model.forward_features(images, attn_mask=torch.ones(18, 18))
    name = "tosa_deit_tiny_patch16_224"
    assert timm.create_model(name, dynamic_img_size=True, num_classes=0)(torch.randn(1, 3, 96, 64)).shape == (1, 192)
    features = timm.create_model(name, features_only=True, out_indices=(2, 5))
    assert [tuple(m.shape) for m in features(torch.randn(1, 3, 224, 224))] == [(1, 192, 14, 14)] * 2


def test_timm_without_weights_to_be_had_names_the_local_file_option(tmp_path):
    missing = dict(file=str(tmp_path / "none.safetensors"))
    with pytest.raises(InputError, match="tosa_deit_tiny_patch16_224: cannot load.*pretrained_cfg_overlay"):
        timm.create_model("tosa_deit_tiny_patch16_224", pretrained=True, pretrained_cfg_overlay=missing)
