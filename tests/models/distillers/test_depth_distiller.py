import copy

import pytest
import torch
from torch import Tensor, nn

from depthkit.apis.depth_teacher import DepthTeacher
from depthkit.apis.predictor import DepthPredictor
from depthkit.errors import InputError
from depthkit.models import DepthDistiller, DepthEstimator
from depthkit.registry import MODELS, depthkit_scope
from helpers import SMALL_VIT

RELATIVE, METRIC = "depth-anything-v2-small", "depth-anything-v2-metric-indoor-small"
BACKBONE = dict(type="ToSA", **SMALL_VIT, out_indices=(0, 1, 2, 3), keep_rate=0.5, selection="shared")
PREPROCESSOR = dict(
    type="SegDataPreProcessor", mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=False,
    size_divisor=1,
)  # fmt: skip
ALIGNED = [dict(type="ScaleShiftInvariantLoss"), dict(type="AlignedGradientLoss")]
METRES = [dict(type="ScaleInvariantLogLoss"), dict(type="GradientLoss")]


def head(losses: list[dict], **arguments) -> dict:
    return dict(type="DPTHead", in_channels=(48,) * 4, channels=8, losses=losses, **arguments)


DISPARITY = dict(output="disparity", decode_head=head(ALIGNED, min_depth=0.0, max_depth=1.0))
DEPTH = dict(output="depth", decode_head=head(METRES))


@pytest.fixture
def teacher(tiny_zoo):
    """Make the config of a tiny teacher with a published model's name."""
    return lambda name: dict(type="DepthTeacher", model=name, weights=tiny_zoo(name), input_size=56)


def distiller(teacher: dict, **arguments) -> DepthDistiller:
    torch.manual_seed(0)
    given = dict(backbone=BACKBONE, data_preprocessor=PREPROCESSOR)
    with depthkit_scope():
        return DepthDistiller(teacher=teacher, **{**given, **arguments})


def batch(model: DepthDistiller, count: int = 2) -> tuple[Tensor, Tensor]:
    """Return random images, uint8 (B, 3, 64, 80), and what the student sees of them."""
    images = torch.randint(0, 256, (count, 3, 64, 80), generator=torch.Generator().manual_seed(0)).byte()
    return images, (images - model.data_preprocessor.mean) / model.data_preprocessor.std


@pytest.mark.parametrize("name", [RELATIVE, METRIC, "da3mono-large", "da3metric-large"])
def test_the_teacher_answers_as_depthkit_predict_does(tiny_zoo, name):
    path = tiny_zoo(name)
    with depthkit_scope():
        teacher = DepthTeacher(name, path, 56)
    predictor = DepthPredictor.from_pretrained(name, path, 56, device="cpu")
    images = torch.randint(0, 256, (3, 3, 64, 80), generator=torch.Generator().manual_seed(1)).byte()
    answers = teacher(images, None)
    assert answers.shape == (3, 1, 64, 80) and not answers.is_inference() and not answers.requires_grad
    for image, answer in zip(images, answers, strict=True):
        expected = predictor(image.permute(1, 2, 0).numpy())
        torch.testing.assert_close(answer[0], torch.from_numpy(expected.values), rtol=1e-4, atol=1e-5)
    assert (teacher.kind, teacher.name) == (expected.kind, name)


@pytest.mark.parametrize(("name", "student"), [(RELATIVE, DISPARITY), (METRIC, DEPTH), (METRIC, DISPARITY)])
def test_the_losses_compare_with_what_the_teacher_says_of_the_same_images(teacher, name, student):
    model = distiller(teacher(name), **student).train()
    images, inputs = batch(model)
    losses = model(inputs, mode="loss")
    relative = student is DISPARITY
    assert set(losses) == {"loss_ssi" if relative else "loss_silog", "loss_gradient", "loss_selector"}
    wanted = model.teacher(images, None)
    if relative and name == METRIC:
        wanted = 1 / wanted
    with torch.no_grad():
        pred = model(inputs)
        valid = torch.ones_like(wanted, dtype=torch.bool) if relative else (wanted > 1e-3) & (wanted < 10)
        for loss in model.decode_head.losses:
            torch.testing.assert_close(losses[f"loss_{loss.name}"], loss(pred, wanted, valid))


@pytest.mark.parametrize("name", [METRIC, "da3metric-large"])
def test_with_a_canonical_focal_length_the_teacher_is_asked_for_the_metres_of_that_camera(tiny_zoo, teacher, name):
    model = distiller(teacher(name), **DEPTH, canonical_focal=90.0)
    images, inputs = batch(model)
    predictor = DepthPredictor.from_pretrained(name, tiny_zoo(name), 56, device="cpu")
    for image, asked in zip(images, model._ask(inputs), strict=True):
        expected = predictor(image.permute(1, 2, 0).numpy(), focal=90.0)
        assert expected.metres_follow_focal
        torch.testing.assert_close(asked[0], torch.from_numpy(expected.values), rtol=1e-4, atol=1e-5)


def test_the_teacher_is_frozen_in_evaluation_mode_and_not_saved(teacher):
    model = distiller(teacher(RELATIVE), **DISPARITY).train()
    frozen = model.teacher.model
    before = copy.deepcopy(frozen.state_dict())
    assert not frozen.training and not any(p.requires_grad for p in frozen.parameters())
    assert not any("teacher" in name for name, _ in model.named_modules())
    with depthkit_scope():
        student = DepthEstimator(backbone=BACKBONE, data_preprocessor=PREPROCESSOR, **DISPARITY)
    assert model.state_dict().keys() == student.state_dict().keys()
    assert copy.deepcopy(model).teacher is model.teacher
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    sum(model(batch(model)[1], mode="loss").values()).backward()
    optimizer.step()
    assert all(torch.equal(before[name], value) for name, value in frozen.state_dict().items())


def test_selectors_learn_from_their_own_loss_and_all_else_from_the_teacher(teacher):
    model = distiller(teacher(RELATIVE), **DISPARITY).train()
    losses = model(batch(model)[1], mode="loss")
    own = losses.pop("loss_selector")
    selectors = {name for name, _ in model.named_parameters() if "selector" in name}

    def reached(loss: Tensor) -> set[str]:
        model.zero_grad()
        loss.backward(retain_graph=True)
        return {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}

    assert selectors and reached(own) == selectors
    others = reached(sum(losses.values()))
    assert not others & selectors
    assert {
        "backbone.patch_embed.proj.weight",
        "backbone.blocks.3.mlp.fc2.weight",
        "decode_head.head.0.weight",
    } < others


@pytest.mark.parametrize("keep_rate", [0.25, 1.0])
def test_the_difference_is_0_for_a_student_that_gives_what_the_teacher_gives(teacher, keep_rate, monkeypatch):
    model = distiller(teacher(RELATIVE), backbone={**BACKBONE, "keep_rate": keep_rate}, **DISPARITY).eval()
    _, inputs = batch(model)
    assert model.backbone.keep_rate == (keep_rate, keep_rate)
    measured = [sample.measures["difference"].item() for sample in model(inputs, mode="predict")]
    assert all(0 < one < 5 for one in measured)
    depth = model(inputs)
    monkeypatch.setattr(model, "teacher", lambda images, focal: 7 * depth.detach() + 3)
    model.teacher.kind = "relative"
    for sample in model(inputs, mode="predict"):
        assert sample.measures["difference"].item() == pytest.approx(0, abs=1e-3)


def test_the_difference_in_metres_is_relative_to_the_teacher(teacher, monkeypatch):
    model = distiller(teacher(METRIC), **DEPTH).eval()
    _, inputs = batch(model)
    depth = model(inputs).detach()
    monkeypatch.setattr(model, "teacher", lambda images, focal: depth / 1.25)
    assert model(inputs, mode="predict")[0].measures["difference"].item() == pytest.approx(0.25, abs=1e-4)


def test_training_brings_the_student_nearer_to_its_teacher(teacher):
    model = distiller(teacher(RELATIVE), **DISPARITY).train()
    _, inputs = batch(model, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

    def step() -> float:
        optimizer.zero_grad()
        losses = model(inputs, mode="loss")
        sum(losses.values()).backward()
        optimizer.step()
        return losses["loss_ssi"].item()

    losses = [step() for _ in range(25)]
    assert losses[-1] < 0.75 * losses[0]


def test_a_checkpoint_carries_the_student_and_says_whose_it_is(teacher):
    model = distiller(teacher("depth-anything-v2-base"), **DISPARITY)
    config = {"model": {"type": "DepthDistiller", "teacher": {"type": "DepthTeacher"}, "output": "disparity"}, "x": 1}
    carried = model.carried_config(config)
    assert carried["model"] == {"type": "DepthEstimator", "output": "disparity"} and carried["x"] == 1
    assert config["model"]["type"] == "DepthDistiller"
    assert carried["published"]["distilled_from"] == "depth-anything-v2-base, licence CC-BY-NC-4.0"
    assert carried["published"]["licence"] == "CC-BY-NC-4.0"
    assert "that of its teacher" in carried["published"]["licence_note"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (RELATIVE, DEPTH, f"teacher {RELATIVE} gives relative disparities, which ScaleInvariantLogLoss and"),
        (RELATIVE, {**DEPTH, "output": "disparity"}, f"teacher {RELATIVE} gives relative disparities"),
        (METRIC, {**DEPTH, "output": "disparity"}, "losses: ScaleInvariantLogLoss and GradientLoss compares metres"),
        (METRIC, {**DISPARITY, "output": "depth"}, "compares disparities up to scale and shift"),
        (METRIC, {**DISPARITY, "output": "relative_depth"}, "output='relative_depth': expected 'depth' or 'disparity'"),
        (RELATIVE, {**DISPARITY, "backbone": {**BACKBONE, "depth": 48}}, "more than its teacher"),
        (RELATIVE, {**DISPARITY, "data_preprocessor": None}, "data_preprocessor: has no mean and std"),
        (RELATIVE, {**DISPARITY, "canonical_focal": 300.0}, "canonical_focal=300: expected output='depth'"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(teacher, name, arguments, message):
    with pytest.raises(InputError) as caught:
        distiller(teacher(name), **arguments)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_student_with_a_camera_of_a_teacher_without_is_one_sentence(monkeypatch):
    monkeypatch.setitem(MODELS.module_dict, "Plane", Plane)
    with pytest.raises(InputError, match="canonical_focal=300: the metres of the teacher plane follow no focal length"):
        distiller(dict(type="Plane"), **DEPTH, canonical_focal=300.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(model="depth-anything-v2-smal"), "did you mean depth-anything-v2-small"),
        (dict(model="none.pth"), "none.pth: no such checkpoint file"),
        (dict(model="none.pth", input_size=56), "teacher none.pth: is a checkpoint; weights and input_size are"),
        (dict(model=RELATIVE, weights="none.pth"), "none.pth: no such checkpoint file"),
        (dict(model=RELATIVE, input_size=0), "input_size=0: expected a number of 1 or more"),
    ],
)
def test_a_teacher_that_cannot_be_had_is_one_sentence(arguments, message):
    with pytest.raises(InputError) as caught:
        DepthTeacher(**arguments)
    assert message in str(caught.value) and "\n" not in str(caught.value)


class Plane:
    name, kind, follows_focal, licence, model = "plane", "metric", False, {}, nn.Linear(1000, 1000)

    def __call__(self, images: Tensor, focal: None) -> Tensor:
        return images[:, :1].float() / 100 + 1


def test_any_object_that_answers_can_teach(monkeypatch):
    monkeypatch.setitem(MODELS.module_dict, "Plane", Plane)
    model = distiller(dict(type="Plane"), **DEPTH).train()
    assert torch.isfinite(sum(model(batch(model)[1], mode="loss").values()))
    assert "licence" not in model.carried_config({"model": {}})["published"]
