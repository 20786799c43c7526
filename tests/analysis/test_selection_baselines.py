import pytest
import torch

from depthkit.analysis.selection_baselines import SCORES, scored_by
from depthkit.errors import InputError
from depthkit.models import ToSA
from depthkit.models.layers.selector import importance
from depthkit.utils.macs import count_macs


@pytest.fixture(params=["shared", "per_head"])
def model(request) -> ToSA:
    torch.manual_seed(0)
    model = ToSA(
        img_size=64, embed_dim=48, depth=4, num_heads=3, keep_rate=0.5, selection=request.param, score_rows="all"
    ).eval()
    for block in model.blocks[::2]:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.2)
    for block in model.blocks[1::2]:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.2)
        torch.nn.init.normal_(block.selector.mix.weight)
    return model


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def first_choice(model: ToSA, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model.forward_features(images, return_selection=True)[1][0].flatten(2)


def first_maps(model: ToSA, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention maps (B, H, N, N) of layers 0 and 1 on all tokens, written out."""
    found = []
    with torch.no_grad():
        tokens = model._pos_embed(model.patch_embed(images))
        for block in model.blocks[:2]:
            q, k, _ = block.attn.qkv(block.norm1(tokens)).reshape(2, 17, 3, 3, 16).permute(2, 0, 3, 1, 4)
            found.append(q @ k.transpose(-2, -1) / 4)
            attended = (found[-1].softmax(-1) @ _).transpose(1, 2).flatten(2)
            tokens = tokens + block.attn.proj(attended)
            tokens = tokens + block.mlp(block.norm2(tokens))
    return found[0], found[1]


def top_half(scores: torch.Tensor, model: ToSA) -> torch.Tensor:
    if model.blocks[1].selection == "shared":
        scores = scores.mean(1, keepdim=True)
    scores = scores[..., 1:]
    return scores >= scores.sort(-1, descending=True).values[..., 7:8]


@pytest.mark.parametrize("score", SCORES)
def test_every_score_chooses_as_many_and_the_model_is_left_as_it_was(model, images, score):
    before = first_choice(model, images)
    with scored_by(model, score):
        chosen = first_choice(model, images)
    assert (chosen.sum(-1) == 8).all()
    assert torch.equal(first_choice(model, images), before)
    assert not any(block._forward_pre_hooks or "choose" in vars(block) for block in model.blocks)


def test_they_follow_the_selective_layers(images):
    model = ToSA(img_size=64, embed_dim=48, depth=6, num_heads=3, selective_layers=(2, 4)).eval()
    before = model.forward_features(images, return_selection=True)[1]
    for score in ("random", "oracle"):
        with scored_by(model, score):
            chosen = model.forward_features(images, return_selection=True)[1]
        assert not any(torch.equal(a, b) for a, b in zip(before, chosen, strict=True))


@pytest.mark.parametrize("score", ["identity", "oracle", "random", "least"])
def test_they_keep_the_coverage_of_the_model(images, score):
    model = ToSA(img_size=64, embed_dim=48, depth=4, num_heads=3, selection="shared", coverage=True).eval()
    with scored_by(model, score):
        first, second = model.forward_features(images, return_selection=True)[1]
    assert (first.flatten(1) | second.flatten(1)).all(), "half each: all that the first skipped, the second attends"


@pytest.mark.parametrize("importance", ["update", "predicted_update", "random"])
def test_they_replace_every_importance(importance, images):
    model = ToSA(img_size=64, embed_dim=48, depth=4, num_heads=3, selection="shared", importance=importance).eval()
    with scored_by(model, "random", seed=1):
        chosen = first_choice(model, images)
    generator = torch.Generator().manual_seed(1)
    assert torch.equal(chosen, top_half(torch.rand(2, 1, 17, generator=generator), model))
    assert [block.importance for block in model.selective_blocks] == [importance] * 2
    with pytest.raises(InputError, match="expected a model with importance='attention'"), scored_by(model, "least"):
        pass


def test_what_the_scores_are(model, images):
    current, following = first_maps(model, images)
    expected = {
        "selector": importance(model.blocks[1].selector(current)),
        "identity": importance(current),
        "class_token": current[:, :, 0].softmax(-1),
        "oracle": importance(following),
        "least": -importance(model.blocks[1].selector(current)),
    }
    for score, scores in expected.items():
        with scored_by(model, score):
            assert torch.equal(first_choice(model, images), top_half(scores, model)), score


def test_random_is_repeatable_by_its_seed(model, images):
    def choice(seed: int) -> torch.Tensor:
        with scored_by(model, "random", seed):
            return first_choice(model, images)

    assert torch.equal(choice(3), choice(3))
    assert not torch.equal(choice(3), choice(4))


def test_macs_count_what_each_score_costs(model, images):
    for block in model.blocks[1::2]:
        block.selection = "shared"  # per_head runs its MLP on the union of the heads' tokens, as many as there are
    macs = {}
    for score in ("selector", "class_token", "random"):
        with scored_by(model, score):
            macs[score] = count_macs(model, images[:1])
    assert macs["random"] < macs["class_token"] < macs["selector"]


def test_an_unknown_score_is_an_error(model):
    with pytest.raises(InputError, match="score 'magic': expected one of selector"), scored_by(model, "magic"):
        pass
