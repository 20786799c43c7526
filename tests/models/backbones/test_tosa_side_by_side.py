"""Token selective layers side by side, and patches that follow their neighbours."""

import pytest
import torch

from depthkit.errors import InputError
from depthkit.models import DeiT
from helpers import SMALL_VIT as SMALL
from small_tosa import FOLLOWING, build, images, layers_of, run


@pytest.mark.parametrize(
    "options", [dict(), dict(importance="update", keys="all"), dict(selection="per_head")], ids=str
)
def test_layers_side_by_side_attend_what_the_first_of_them_chose(options):
    options = dict(selection="shared", selective_layers=(1, 2, 3)) | options
    model = build(keep_rate=0.4, **options)
    seen, maps = layers_of(model)
    assert len(maps) == 3 and torch.equal(maps[0], maps[1]) and torch.equal(maps[0], maps[2])
    skipped = ~maps[0].any(dim=1)
    for before, after in seen[1:]:
        assert torch.equal((before != after).any(-1)[:, 1:], ~skipped)
    alone = build(keep_rate=0.4, **options | dict(selective_layers=(1,)))
    alone.load_state_dict(model.state_dict())  # the second and third have nothing to learn
    torch.testing.assert_close(layers_of(alone)[0][1], seen[1])


def test_shared_tokens_run_through_layers_side_by_side_as_through_dense_ones():
    model = build(keep_rate=0.4, selection="shared", selective_layers=(2, 3))
    (before, _), (_, after) = (seen := layers_of(model)[0])[2], seen[3]
    for image, attended in enumerate(layers_of(model)[1][0][:, 0]):
        index = torch.cat([torch.tensor([0]), 1 + attended.nonzero()[:, 0]])
        tokens = before[image : image + 1, index]
        with torch.no_grad():
            for block in model.blocks[2:]:
                tokens = tokens + block.attn(block.norm1(tokens))
                tokens = tokens + block.mlp(block.norm2(tokens))
        torch.testing.assert_close(after[image : image + 1, index], tokens)


@pytest.mark.parametrize("skipped", ["unchanged", "neighbours", "similar"])
def test_handing_on_the_attended_tokens_alone_gives_what_handing_on_all_gives(skipped):
    """In evaluation and in training; also in the maps that a decoder takes between such layers."""
    options = dict(selection="shared", importance="even", skipped=skipped, selective_layers=(1, 2, 3))
    model = build(out_indices=(0, 1, 2, 3), **options)
    with torch.no_grad():
        handed_on = [run(model) for model in (model, model.train())]
        for block in model.selective_blocks:
            block.can_gather = lambda state: False
        expected = run(model.eval())
    for found in handed_on:
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_layers_that_hand_on_attended_tokens_recompute_the_same_gradients():
    """With activation checkpointing, also in bfloat16."""
    gradients = []
    for checkpointing in (False, True):
        model = build(selection="shared", importance="even", skipped="similar", selective_layers=(1, 2, 3)).train()
        model.set_grad_checkpointing(checkpointing)
        with torch.autocast("cpu", torch.bfloat16):
            model.forward_features(images()).float().square().mean().backward()
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    assert len(gradients[0]) > 40
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


@pytest.mark.parametrize("options", FOLLOWING, ids=str)
def test_patches_that_follow_neighbours_are_dense_at_keep_rate_one_and_train(options):
    model = build(**options | dict(keep_rate=1, out_indices=(1, 3)))
    dense = DeiT(**SMALL, out_indices=(1, 3)).eval()
    dense.load_state_dict(model.state_dict(), strict=False)
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(model(images()), dense(images()), strict=True))
    model = build(**options | dict(out_indices=(1, 3))).train()
    sum(tokens.square().mean() for tokens in run(model)).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.blocks[2].parameters())


def test_the_rates_of_layers_side_by_side_change_together():
    model = build(keep_rate=0.4, selection="shared", selective_layers=(1, 3))
    model.keep_rate = (0.5, 0.2)
    side_by_side = build(keep_rate=0.4, selection="shared", selective_layers=(1, 2))
    side_by_side.keep_rate = 0.5
    assert side_by_side.keep_rate == (0.5, 0.5)
    with pytest.raises(InputError, match="layers 1 and 2 are side by side .* give both the same rate"):
        side_by_side.keep_rate = (0.5, 0.2)
    assert side_by_side.keep_rate == (0.5, 0.5)
