import pytest
import torch
from mmseg.structures import SegDataSample

from depthkit.errors import InputError
from depthkit.models import SelectorDistiller, ToSA

BACKBONE = dict(type="ToSA", img_size=64, embed_dim=48, depth=4, num_heads=3, num_classes=5, keep_rate=0.5)


@pytest.fixture
def model() -> SelectorDistiller:
    torch.manual_seed(0)
    return SelectorDistiller(BACKBONE, num_rows=6)


def test_the_loss_reaches_the_selectors_and_nothing_else(model):
    model.train()
    model(torch.randn(2, 3, 64, 64), mode="loss")["loss_selector"].backward()
    for name, parameter in model.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert reached == parameter.requires_grad == ("selector" in name), name


def test_training_lowers_the_divergence_below_the_identity_and_leaves_the_backbone(model):
    before = {k: v.clone() for k, v in model.state_dict().items() if "selector" not in k}
    images = torch.randn(4, 3, 64, 64)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.05)
    model.train()
    for _ in range(30):
        optimizer.zero_grad()
        model(images, mode="loss")["loss_selector"].backward()
        optimizer.step()
    measures = model.eval()(images, mode="predict")[0].measures
    assert (measures["kl"] < measures["kl_identity"]).all()
    assert all(torch.equal(model.state_dict()[key], value) for key, value in before.items())


def test_at_the_start_the_selector_is_the_identity(model):
    samples = model(torch.randn(3, 3, 64, 64), [SegDataSample() for _ in range(3)], mode="predict")
    assert len(samples) == 3
    for sample in samples:
        measures = sample.measures
        assert measures["kl"].shape == (2,)
        torch.testing.assert_close(measures["kl"], measures["kl_identity"])
        assert torch.equal(measures["found"], measures["found_identity"])
        assert ((measures["found"] >= 0) & (measures["found"] <= 1)).all()


def test_selectors_of_chosen_layers_learn():
    model = SelectorDistiller({**BACKBONE, "depth": 6, "selective_layers": (2, 4), "keep_rate": (0.3, 0.5)}).train()
    model(torch.randn(2, 3, 64, 64), mode="loss")["loss_selector"].backward()
    reached = {name for name, p in model.named_parameters() if p.grad is not None}
    assert reached == {f"backbone.blocks.{layer}.selector.mix.weight" for layer in (2, 4)}
    assert model.eval()(torch.randn(1, 3, 64, 64), [SegDataSample()], mode="predict")[0].measures["kl"].shape == (2,)


def test_the_layers_run_densely_and_without_dropout_in_training():
    torch.manual_seed(0)
    model = SelectorDistiller({**BACKBONE, "drop_path_rate": 0.5}).train()
    dense = ToSA(**{k: v for k, v in BACKBONE.items() if k not in ("type", "keep_rate")}, keep_rate=1).eval()
    dense.load_state_dict(model.backbone.state_dict())
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(model(images), dense.forward_features(images))


def test_what_is_saved_is_read_by_tosa(model, tmp_path):
    torch.nn.init.normal_(model.backbone.blocks[1].selector.mix.weight)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "epoch_1.pth")
    backbone = {k: v for k, v in BACKBONE.items() if k != "type"}
    read = ToSA(**backbone, pretrained=tmp_path / "epoch_1.pth")
    assert read.state_dict().keys() == model.backbone.state_dict().keys()
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(read.state_dict()[key], value), key


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(backbone=dict(type="DeiT", img_size=64, embed_dim=48, depth=4, num_heads=3)), "DeiT has no token"),
        (dict(backbone={**BACKBONE, "depth": 1}), "ToSA has no token selectors"),
        (dict(backbone={**BACKBONE, "selection": "shared", "importance": "update"}), "importance='update' has no sel"),
        (dict(backbone={**BACKBONE, "importance": "random"}), "expected importance='attention'"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        SelectorDistiller(**arguments)
