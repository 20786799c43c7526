"""How a ToSA may select otherwise: `importance`, `keys` and `coverage`."""

import pytest
import torch

from depthkit.errors import InputError
from depthkit.models import DeiT, DepthEstimator, ToSA, tosa_from_timm
from depthkit.models.layers.neighbours import even_pattern, follow_neighbours, neighbour_weights
from depthkit.models.layers.selector import importance, num_kept, top_patches
from depthkit.utils.macs import count_macs
from helpers import SMALL_VIT as SMALL
from small_tosa import FOLLOWING, build, images, layers_of

OTHERS = [
    dict(selection="shared", importance="update"),
    dict(selection="shared", importance="random"),
    dict(selection="per_head", importance="random"),
    dict(selection="shared", keys="all"),
    dict(selection="per_head", keys="all"),
    dict(selection="shared", coverage=True),
    dict(selection="per_head", coverage=True),
    dict(selection="shared", importance="update", keys="all", coverage=True),
    dict(selection="per_head", importance="random", keys="all", coverage=True),
    dict(selection="shared", importance="predicted_update"),
    dict(selection="shared", importance="predicted_update", selective_layers=(1, 2)),
    dict(selection="per_head", selective_layers=(1, 2, 3)),
    dict(selection="shared", importance="even"),
    dict(selection="shared", importance="even", keys="all", coverage=True, selective_layers=(1, 2, 3)),
    dict(selection="shared", importance="even", selective_layers=(1, 2, 3)),
]
LEARNT = (None, "predicted_update")
each = pytest.mark.parametrize("options", OTHERS, ids=lambda options: "-".join(map(str, options.values())))


def reference(model: ToSA) -> torch.Tensor:
    """The same options written the plain way, token by token and head by head."""
    x = model._pos_embed(model.patch_embed(images()))
    before, last = None, None
    for layer, block in enumerate(model.blocks):
        heads, scale, entering = block.attn.num_heads, block.attn.head_dim**-0.5, x
        q, k, v = block.attn.qkv(block.norm1(x)).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        if layer not in model.selective_layers:
            maps = q @ k.transpose(-2, -1) * scale
            x = x + block.attn.proj((maps.softmax(-1) @ v).transpose(1, 2).flatten(2))
            before, x = entering, x + block.mlp(block.norm2(x))
            continue
        if layer - 1 not in model.selective_layers:
            if block.importance.endswith("update"):
                scores = (x - before).square().sum(-1).sqrt()[:, None]
                if block.importance == "predicted_update":
                    token = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
                    weight, bias = block.selector.weight[0], block.selector.bias
                    scores = (token @ weight[:-1] + weight[-1] * scores[:, 0].log() + bias).exp()[:, None]
            elif block.importance == "even":
                scores = torch.cat([torch.zeros(1), even_pattern((4, 5), x.device)]).repeat(len(x), 1, 1)
            else:
                scores = importance(block.selector(maps))
                scores = scores.mean(1, keepdim=True) if block.selection == "shared" else scores
            if block.coverage and last is not None:
                for image in range(len(x)):
                    for head in range(scores.shape[1]):
                        skipped = [i for i in range(x.shape[1]) if i not in last[image, head].tolist()]
                        scores[image, head, skipped] += 10000
            last = top_patches(scores, num_kept(block.keep_rate, x.shape[1] - 1), 1)
        index, out = last.expand(-1, heads, -1), x.clone()
        for image in range(len(x)):
            joined = torch.zeros(x.shape[1], heads, q.shape[-1])
            for head in range(heads):
                own = index[image, head]
                keys = own if block.keys == "attended" else torch.arange(x.shape[1])
                weights = (q[image, head, own] @ k[image, head, keys].T * scale).softmax(-1)
                joined[own, head] = weights @ v[image, head, keys]
            union = index[image].unique()
            tokens = x[image, union] + block.attn.proj(joined.flatten(1))[union]
            out[image, union] = tokens + block.mlp(block.norm2(tokens))
        if block.skipped != "unchanged":
            if not block.follows:
                follows = neighbour_weights(x, last[:, 0], (4, 5), block.skipped == "similar")
            out = follow_neighbours(x, out, follows)
        x = out
    return model.norm(x)


@each
def test_with_keep_rate_one_nothing_changes_and_all_else_skips_unchanged(options):
    model = build(keep_rate=1, out_indices=(1, 3), **options)
    dense = DeiT(**SMALL, out_indices=(1, 3)).eval()
    dense.load_state_dict(model.state_dict(), strict=options.get("importance") not in LEARNT)
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(model(images()), dense(images()), strict=True))
    model.keep_rate = 0.5
    seen, maps = layers_of(model)
    for layer, attended in zip(model.selective_layers, maps, strict=True):
        before, after = seen[layer]
        assert (attended.sum(-1) == 10).all()
        changed = (before != after).any(-1)
        assert torch.equal(changed[:, 1:], attended.any(1)) and changed[:, 0].all()


@pytest.mark.parametrize("options", [o for o in OTHERS if o.get("importance") != "random"] + FOLLOWING, ids=str)
def test_it_equals_the_plain_form(options):
    model = build(**dict(keep_rate=0.4) | options)
    for name, parameter in model.named_parameters():
        if "selector" in name and model.blocks[1].importance == "predicted_update":
            torch.nn.init.normal_(parameter, std=0.3)
    with torch.no_grad():
        torch.testing.assert_close(model.forward_features(images()), reference(model), atol=1e-5, rtol=1e-4)


def test_the_patches_that_changed_most_attend():
    seen, maps = layers_of(build(selection="shared", importance="update", keep_rate=0.3))
    for (before, after), attended in zip(seen[::2], maps, strict=True):
        update = (after - before).norm(dim=-1)[:, 1:]
        for norms, mask in zip(update, attended[:, 0], strict=True):
            assert norms[mask].min() > norms[~mask].max()


def test_a_predicted_update_starts_as_the_last_one_and_learns_the_next():
    options = dict(selection="shared", out_indices=(0, 1, 2, 3))
    by_update, model = (build(importance=name, **options) for name in ("update", "predicted_update"))
    model.load_state_dict(by_update.state_dict(), strict=False)
    with torch.no_grad():
        assert torch.equal(by_update.forward_features(images()), model.forward_features(images()))
    optimizer = torch.optim.Adam([p for name, p in model.train().named_parameters() if "selector" in name], lr=0.003)
    losses = []
    for _ in range(20):
        losses.append(model.extract_features(images()).losses["loss_selector"])
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0]
    trained = {name for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {f"blocks.{i}.selector.{kind}" for i in (1, 3) for kind in ("weight", "bias")}


def test_random_patches_differ_from_pass_to_pass_and_repeat_with_the_seed():
    model = build(selection="per_head", importance="random")
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(layers_of(model)[1])
    first, again, other = (torch.stack(maps) for maps in found)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert not torch.equal(first[0, 0, 0], first[0, 0, 1]), "each head draws its own"


@pytest.mark.parametrize("selection", ["shared", "per_head"])
@pytest.mark.parametrize("rate", [0.5, 0.7])
def test_with_coverage_no_patch_skips_twice(selection, rate):
    first, second = layers_of(build(selection=selection, coverage=True, keep_rate=rate))[1]
    assert (first | second).all()
    first, second = layers_of(build(selection=selection, keep_rate=rate))[1]
    assert not (first | second).all()


def test_macs_with_all_keys_lie_between():
    one = images(1)
    attended, everything, dense = (
        count_macs(build(selection="shared", importance="update", **options), one)
        for options in (dict(), dict(keys="all"), dict(keep_rate=1))
    )
    assert attended < everything < dense


@each
def test_each_trains(options):
    model = build(out_indices=(0, 1, 2, 3), **options).train()
    features = model.extract_features(images())
    assert ("loss_selector" in features.losses) == (options.get("importance") in LEARNT)
    loss = sum(one.square().sum() for one in features.patch_maps) + sum(features.losses.values())
    loss.backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if not name.startswith("norm."))


@pytest.mark.parametrize("selection", ["shared", "per_head"])
def test_the_loss_with_all_keys_compares_whole_rows(selection):
    model = build(selection=selection, keys="all", keep_rate=0.5, out_indices=(3,)).train()
    loss = model.extract_features(images()).losses["loss_selector"]
    model.keep_rate = 1
    assert loss > 0 and torch.isfinite(model.extract_features(images()).losses["loss_selector"])


def test_a_timm_model_takes_them_too():
    dense = DeiT(**SMALL).eval()
    options = dict(selection="shared", importance="update", keys="all", coverage=True)
    made, own = tosa_from_timm(dense, **options), ToSA(**SMALL, **options).eval()
    own.load_state_dict(dense.state_dict())
    assert torch.equal(made(images()), own(images()))


def test_one_importance_for_all_heads_is_for_one_set():
    for make in (lambda **o: ToSA(**SMALL, **o), lambda **o: tosa_from_timm(DeiT(**SMALL), **o)):
        with pytest.raises(InputError, match="importance='update'.*selection='shared'"):
            make(selection="per_head", importance="update")
        for skipped in ("neighbours", "similar"):
            with pytest.raises(InputError, match=f"skipped='{skipped}': .* all heads; use selection='shared'"):
                make(selection="per_head", skipped=skipped)
        for name, value in dict(score_rows="all", score_stride=2, cls_token_weight=0.5, selector_layers=0).items():
            for other in ("update", "predicted_update", "random"):
                with pytest.raises(InputError, match=f"{name}=.*: says how attention ranks.* importance='{other}'"):
                    make(selection="shared", importance=other, **{name: value})
    with pytest.raises(InputError, match="keys='some': expected one of 'attended' or 'all'"):
        ToSA(**SMALL, keys="some")
    with pytest.raises(InputError, match="skipped='some': expected one of 'unchanged', 'neighbours' or 'similar'"):
        ToSA(**SMALL, skipped="some")


@pytest.mark.parametrize("options", OTHERS[:4], ids=str)
def test_training_in_bfloat16(options):
    model = DepthEstimator(
        backbone=dict(type="ToSA", **SMALL, out_indices=(0, 1, 2, 3), **options),
        decode_head=dict(type="DPTHead", in_channels=(48,) * 4, channels=8),
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        depth = model.train()(images())
    depth.float().sum().backward()
    assert torch.isfinite(model.backbone.blocks[1].attn.qkv.weight.grad).all()
