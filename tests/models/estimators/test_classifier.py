from pathlib import Path

import pytest
import timm
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from depthkit.errors import InputError
from depthkit.models import Classifier, DeiT, DepthClassifier, DepthEstimator, EViT, ToSA
from depthkit.models.weights import read_state_dict
from helpers import SMALL_VIT as SIZE

HEAD = dict(type="ClsHead", in_channels=48, num_classes=7)
DECODER = dict(type="DPTHead", in_channels=(48,) * 4, channels=16)
MAPS = dict(out_indices=(0, 1, 2, 3))


def timm_model(name: str = "deit_tiny_patch16_224", **arguments) -> torch.nn.Module:
    torch.manual_seed(3)
    model = timm.create_model(name, **SIZE, num_classes=7, **arguments).eval()
    for parameter in model.parameters():  # nothing that starts at 0, so that nothing is equal by chance
        torch.nn.init.normal_(parameter, std=0.1)
    return model


def saved(model: torch.nn.Module, path: Path) -> Path:
    torch.save(model.state_dict(), path)
    return path


def samples(*labels: int) -> list[SegDataSample]:
    made = [SegDataSample() for _ in labels]
    for sample, label in zip(made, labels, strict=True):
        sample.gt_label = torch.tensor(label)
    return made


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "timm_arguments", "backbone", "readout"),
    [
        ("deit_tiny_patch16_224", {}, {}, "class_token"),
        ("deit_tiny_distilled_patch16_224", {}, dict(distilled=True), "distilled"),
        ("vit_tiny_patch16_224", dict(global_pool="avg", fc_norm=False), {}, "mean"),
    ],
)
@pytest.mark.parametrize("kind", ["DeiT", "ToSA", "EViT"])
def test_logits_are_timms_with_timms_weights(tmp_path, images, name, timm_arguments, backbone, readout, kind):
    theirs = timm_model(name, **timm_arguments)
    if kind != "DeiT":
        backbone = backbone | dict(keep_rate=1.0)
    model = Classifier(
        dict(type=kind, **SIZE, num_classes=0, **backbone),
        dict(HEAD, readout=readout),
        pretrained=saved(theirs, tmp_path / "w.pth"),
    ).eval()
    with torch.inference_mode():
        torch.testing.assert_close(model(images), theirs(images), rtol=1e-4, atol=1e-4)
        predicted = model(images, samples(1, 2), mode="predict")
        torch.testing.assert_close(torch.stack([p.pred_score for p in predicted]), theirs(images).softmax(-1))


def test_a_checkpoint_of_a_classifier_serves_any_backbone(tmp_path, images):
    model = Classifier(dict(type="DeiT", **SIZE), HEAD, pretrained=saved(timm_model(), tmp_path / "w.pth")).eval()
    path = saved(model, tmp_path / "classifier.pth")
    with torch.inference_mode():
        expected = model(images)
        for own in (DeiT, ToSA, EViT):  # timm-style models, with a classifier of their own
            rate = {} if own is DeiT else dict(keep_rate=1.0)
            again = own(**SIZE, **rate, num_classes=7, pretrained=path).eval()
            torch.testing.assert_close(again(images), expected, rtol=1e-4, atol=1e-4)
        again = Classifier(dict(type="EViT", keep_rate=1.0, num_classes=0, **SIZE), HEAD, pretrained=path).eval()
        torch.testing.assert_close(again(images), expected, rtol=1e-4, atol=1e-4)
    DepthEstimator(dict(type="DeiT", **SIZE, **MAPS, pretrained=path), DECODER)


def test_depth_and_classes_are_those_of_the_two_models(tmp_path, images):
    weights = saved(timm_model(), tmp_path / "w.pth")
    for kind, rate in (("DeiT", {}), ("ToSA", dict(keep_rate=0.5)), ("EViT", dict(keep_rate=0.5))):
        backbone = dict(type=kind, **SIZE, **rate, num_classes=0)
        classifier = Classifier(backbone, HEAD, pretrained=weights).eval()
        torch.manual_seed(0)
        depth = DepthEstimator({**backbone, **MAPS, "pretrained": weights}, DECODER).eval()
        both = DepthClassifier({**backbone, **MAPS}, HEAD, pretrained=weights, decode_head=DECODER).eval()
        both.decode_head.load_state_dict(depth.decode_head.state_dict())
        runs = []
        both.backbone.patch_embed.register_forward_hook(lambda *_, runs=runs: runs.append(1))
        with torch.inference_mode():
            got_depth, logits = both(images)
            torch.testing.assert_close(got_depth, depth(images))
            torch.testing.assert_close(logits, classifier(images))
            assert len(runs) == 1  # once for both
            predicted = both(images, mode="predict")
            assert predicted[0].pred_depth_map.data.shape == (1, 64, 64)
            torch.testing.assert_close(predicted[1].pred_score, logits[1].softmax(-1))


def test_flipping_averages_depth_and_logits(tmp_path, images):
    both = DepthClassifier(
        dict(type="DeiT", **SIZE, **MAPS), HEAD, decode_head=DECODER, test_cfg=dict(flip=True)
    ).eval()
    with torch.inference_mode():
        predicted = both(images, mode="predict")
        (depth, logits), (mirrored, other) = both(images), both(images.flip(-1))
    torch.testing.assert_close(predicted[0].pred_depth_map.data, (depth[0] + mirrored[0].flip(-1)) / 2)
    torch.testing.assert_close(predicted[0].pred_score, ((logits[0] + other[0]) / 2).softmax(-1))


def test_a_frozen_backbone_and_what_each_batch_can_teach(images):
    decoder = DECODER | dict(losses=[dict(type="ScaleInvariantLogLoss")])
    backbone = dict(type="DeiT", **SIZE, **MAPS, drop_path_rate=0.5)
    both = DepthClassifier(backbone, HEAD, decode_head=decoder, freeze_backbone=True).train()
    trained = {name.partition(".")[0] for name, p in both.named_parameters() if p.requires_grad}
    assert trained == {"decode_head"} and not both.backbone.training
    labelled = samples(0, 1)
    assert set(both.loss(images, labelled)) == {"loss_classes"}
    for sample in labelled:
        sample.gt_depth_map = PixelData(data=torch.ones(1, 64, 64))
    assert set(both.loss(images, labelled)) == {"loss_classes", "loss_silog"}
    with pytest.raises(InputError, match="neither all a depth map nor all a class"):
        both.loss(images, [SegDataSample(), SegDataSample()])


def test_losses_train_head_backbone_and_selectors(images):
    model = Classifier(dict(type="ToSA", **SIZE, keep_rate=0.5), HEAD).train()
    losses = model(images, samples(1, 2), mode="loss")
    assert set(losses) == {"loss_classes", "loss_selector"}
    sum(losses.values()).backward()
    for parameter in (model.cls_head.head.weight, model.backbone.blocks[1].selector.mix.weight):
        assert parameter.grad.abs().sum() > 0
    # Cross entropy by hand, of hard and of mixed classes.
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    hard = model.cls_head.loss(logits, torch.tensor([1, 1]))
    assert hard.item() == pytest.approx((0.3132617 + 2.1269280) / 2, abs=1e-6)
    mixed = model.cls_head.loss(logits, torch.tensor([[0.5, 0.5], [0.0, 1.0]]))
    assert mixed.item() == pytest.approx((0.5 * 1.3132617 + 0.5 * 0.3132617 + 2.1269280) / 2, abs=1e-6)


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_a_teacher_teaches_the_distillation_token(tmp_path, images, kind):
    teacher = dict(model="vit_tiny_patch16_224", kind=kind, loss_weight=0.25, temperature=2.0)
    path = tmp_path / "teacher.pth"
    wanted = timm.create_model("vit_tiny_patch16_224").eval()
    torch.save(wanted.state_dict(), path)
    backbone, head = dict(type="DeiT", **SIZE, distilled=True), dict(HEAD, num_classes=1000, readout="distilled")
    model = Classifier(backbone, head, teacher=dict(teacher, pretrained=path)).train()
    images = torch.randn(2, 3, 224, 224)
    losses = model(images, samples(1, 2), mode="loss")
    tokens = model.backbone.forward_features(images)
    own, answer = model.cls_head.head_dist(tokens[:, 1]), wanted(images)
    if kind == "hard":
        expected = -own.log_softmax(-1)[[0, 1], answer.argmax(-1)].mean()
    else:
        true = (answer / 2).softmax(-1)
        expected = 4 * (true * (true.log() - (own / 2).log_softmax(-1))).sum(-1).mean()
    torch.testing.assert_close(losses["loss_teacher"], 0.25 * expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        losses["loss_classes"], -0.75 * model.cls_head.head(tokens[:, 0]).log_softmax(-1)[[0, 1], [1, 2]].mean()
    )
    assert not any("teacher" in key for key in model.state_dict())


def test_weights_with_another_number_of_classes(tmp_path, images):
    path = saved(timm_model(), tmp_path / "w.pth")
    ten = dict(HEAD, num_classes=10)
    with pytest.raises(InputError, match=r"w.pth: its classifier .*head.weight \(7, 48\).*10 classes.*new_head=True"):
        Classifier(dict(type="DeiT", **SIZE), ten, pretrained=path)
    model = Classifier(dict(type="DeiT", **SIZE), ten, pretrained=path, new_head=True)
    assert torch.equal(model.backbone.cls_token, read_state_dict(path)["cls_token"])
    assert model(images).shape == (2, 10)
    bare = {k: v for k, v in read_state_dict(path).items() if not k.startswith("head")}
    torch.save(bare, path)
    with pytest.raises(InputError, match=r"its classifier \(none\)"):
        Classifier(dict(type="DeiT", **SIZE), HEAD, pretrained=path)


@pytest.mark.parametrize(
    ("backbone", "head", "more", "message"),
    [
        (dict(num_classes=7), {}, {}, "has a classifier of its own"),
        ({}, dict(readout="distilled"), {}, "readout='distilled' does not go with"),
        (dict(distilled=True), {}, {}, "readout='class_token' does not go with"),
        ({}, dict(readout="max"), {}, "readout='max'"),
        ({}, dict(num_classes=0), {}, "num_classes=0"),
        (dict(global_pool="avg"), dict(readout="mean"), {}, "fc_norm=False"),
        (dict(type="EViT", keep_rate=0.0), {}, {}, "keep_rate=0.0"),
        (dict(type="mmseg.ResNet", depth=18), {}, {}, "ResNet gives no tokens"),
        ({}, {}, dict(teacher=dict(model="nonet")), "timm has no model 'nonet'"),
        ({}, {}, dict(teacher=dict(model="resnet18", loss_weight=0)), "loss_weight=0"),
    ],
)
def test_parts_that_do_not_go_together(backbone, head, more, message):
    size = SIZE if backbone.get("type") != "mmseg.ResNet" else {}
    with pytest.raises(InputError, match=message):
        Classifier({"type": "DeiT", **size, **backbone}, {**HEAD, **head}, **more)


def test_no_windows_for_classes():
    slide = dict(mode="slide", crop_size=(64, 64), stride=(32, 32))
    with pytest.raises(InputError, match="complete images"):
        DepthClassifier(dict(type="DeiT", **SIZE, **MAPS), HEAD, decode_head=DECODER, test_cfg=slide)


def test_pictures_without_classes(images):
    with pytest.raises(InputError, match="no classes"):
        Classifier(dict(type="DeiT", **SIZE), HEAD).loss(images, [SegDataSample(), SegDataSample()])
