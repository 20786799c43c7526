import pytest
import torch
import torch.nn.functional as F

from depthkit.errors import InputError
from depthkit.models import DeiT, TokenDistiller, ToSA

SMALL = dict(img_size=64, embed_dim=48, depth=4, num_heads=3, num_classes=5)
STUDENT = dict(type="ToSA", **SMALL, keep_rate=0.5, selection="shared")
TEACHER = dict(type="DeiT", **SMALL)


@pytest.fixture
def weights(tmp_path):
    """Of a dense model whose classifier is not 0, as timm's starts."""
    torch.manual_seed(0)
    model = DeiT(**SMALL)
    torch.nn.init.normal_(model.head.weight)
    for block in model.blocks:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.1)
    torch.save(model.state_dict(), tmp_path / "dense.pth")
    return tmp_path / "dense.pth"


def distiller(weights, student=STUDENT, **arguments) -> TokenDistiller:
    return TokenDistiller({**student, "pretrained": weights}, {**TEACHER, "pretrained": weights}, **arguments)


def test_a_student_that_keeps_every_token_has_nothing_to_learn(weights):
    model = distiller(weights, {**STUDENT, "keep_rate": 1.0}, layers_weight=1.0).train()
    images = torch.randn(2, 3, 64, 64)
    losses = model(images, mode="loss")
    assert set(losses) == {"loss_logits", "loss_tokens", "loss_layers", "loss_selector"}
    for name in ("loss_logits", "loss_tokens", "loss_layers"):
        assert losses[name].item() == pytest.approx(0, abs=1e-5)
    measures = model.eval()(images, mode="predict")[0].measures
    assert measures["agreement"] == 1
    assert measures["cosine"].item() == pytest.approx(1, abs=1e-5)
    assert measures["kl"].item() == pytest.approx(0, abs=1e-5)


def test_the_losses_are_those_of_the_two_models_logits_and_tokens(weights):
    model = distiller(weights, logits_weight=2.0, tokens_weight=3.0, temperature=2.0).train()
    student = ToSA(**SMALL, keep_rate=0.5, selection="shared", pretrained=weights)
    teacher = DeiT(**SMALL, pretrained=weights)
    images = torch.randn(3, 3, 64, 64)
    losses = model(images, mode="loss")
    with torch.no_grad():
        torch.testing.assert_close(model(images), student(images))
        wanted, given = (teacher(images) / 2).softmax(-1), (student(images) / 2).softmax(-1)
        expected = (wanted * (wanted / given).log()).sum(-1).mean() * 4
        torch.testing.assert_close(losses["loss_logits"], 2 * expected, rtol=1e-4, atol=1e-5)
        # timm's final norm starts at weight 1 and bias 0: its output is the standardised tokens.
        tokens = F.mse_loss(student.forward_features(images), teacher.forward_features(images))
        torch.testing.assert_close(losses["loss_tokens"], 3 * tokens, rtol=1e-3, atol=1e-4)
    assert "loss_layers" not in losses


def test_the_final_norm_comes_once_where_a_backbone_normalises_its_maps(weights):
    model = distiller(weights, {**STUDENT, "norm_maps": True})
    student = ToSA(**SMALL, keep_rate=0.5, selection="shared", pretrained=weights)
    for one in (model.backbone, student):
        torch.nn.init.constant_(one.norm.weight, 3.0)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(images), student(images))


@pytest.mark.parametrize("selection", ["shared", "per_head"])
def test_only_the_selector_loss_reaches_the_selectors_and_it_reaches_nothing_else(weights, selection):
    model = distiller(weights, {**STUDENT, "selection": selection}, layers_weight=1.0).train()
    losses = model(torch.randn(2, 3, 64, 64), mode="loss")
    own = losses.pop("loss_selector")
    selectors = {n for n, _ in model.named_parameters() if "selector" in n}

    def reached(loss: torch.Tensor) -> set[str]:
        model.zero_grad()
        loss.backward(retain_graph=True)
        return {n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}

    assert selectors and reached(own) == selectors
    others = reached(sum(losses.values()))
    assert not others & selectors
    assert {"backbone.patch_embed.proj.weight", "backbone.blocks.3.mlp.fc2.weight", "backbone.head.weight"} < others


def test_training_brings_the_student_nearer_to_its_teacher_which_stays(weights):
    torch.manual_seed(0)
    model = distiller(weights, {**STUDENT, "keep_rate": 0.3}).train()
    teacher = {k: v.clone() for k, v in model.teacher.model.state_dict().items()}
    images = torch.randn(8, 3, 64, 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        losses = model(images, mode="loss")
        sum(losses.values()).backward()
        optimizer.step()
        return (losses["loss_logits"] + losses["loss_tokens"]).item()

    losses = [step() for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]
    assert all(torch.equal(teacher[k], v) for k, v in model.teacher.model.state_dict().items())


def test_what_is_saved_is_the_student_and_read_by_tosa(weights, tmp_path):
    model = distiller(weights)
    torch.nn.init.normal_(model.backbone.blocks[1].selector.mix.weight)
    assert all(key.startswith("backbone.") for key in model.state_dict())
    assert not any("teacher" in name for name, _ in model.named_modules())
    torch.save({"state_dict": model.state_dict()}, tmp_path / "epoch_1.pth")
    read = ToSA(**SMALL, keep_rate=0.5, selection="shared", pretrained=tmp_path / "epoch_1.pth").eval()
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(read(images), model.eval()(images))


def test_tokens_alone_need_no_classes():
    torch.manual_seed(0)
    none = {"num_classes": 0}
    model = TokenDistiller({**STUDENT, **none}, {**TEACHER, **none}, logits_weight=0.0).train()
    images = torch.randn(2, 3, 64, 64)
    assert set(model(images, mode="loss")) == {"loss_tokens", "loss_selector"}
    assert set(model.eval()(images, mode="predict")[0].measures) == {"cosine"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(logits_weight=-1.0), "logits_weight=-1.0: expected a number of 0"),
        (dict(logits_weight=0.0, tokens_weight=0.0), "layers_weight: all are 0"),
        (dict(temperature=0.0), "temperature=0.0"),
        (dict(teacher={**TEACHER, "depth": 6}), "depth is 4 and 6"),
        (dict(teacher={**TEACHER, "embed_dim": 96}), "embed_dim is 48 and 96"),
        (dict(teacher={**TEACHER, "num_classes": 3}), "num_classes is 5 and 3"),
        (dict(teacher={**TEACHER, "distilled": True}), "prefix tokens"),
        (dict(backbone={**STUDENT, "out_indices": (1,)}), "out_indices"),
        (dict(backbone={**STUDENT, "num_classes": 0}, teacher={**TEACHER, "num_classes": 0}), "no classes"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        TokenDistiller(**{"backbone": STUDENT, "teacher": TEACHER, **arguments})


def test_a_backbone_that_gives_no_tokens_is_an_error():
    with pytest.raises(InputError, match="ResNetV1c: expected a backbone of depthkit's"):
        TokenDistiller(dict(type="mmseg.ResNetV1c", depth=18), TEACHER)
