"""Exported models: read back, they give the depth of the original at sizes and batches they were not traced with."""

import json
import signal

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from depthkit.errors import InputError
from depthkit.export import agreement
from depthkit.export.deployable import Deployable, smallest_side
from depthkit.export.formats import export_model
from depthkit.export.metadata import describe_output
from depthkit.models import DepthEstimator
from depthkit.utils.imagenet_stats import IMAGENET_MEAN, IMAGENET_STD
from depthkit.utils.stop_signals import Stopped

PREPROCESSOR = dict(type="SegDataPreProcessor", mean=IMAGENET_MEAN, std=IMAGENET_STD)


def tiny(backbone: str, neck: dict | None = None, canonical_focal: float | None = None, **arguments) -> DepthEstimator:
    torch.manual_seed(0)
    model = DepthEstimator(
        canonical_focal=canonical_focal,
        data_preprocessor=PREPROCESSOR,
        backbone=dict(type=backbone, embed_dim=48, depth=2, num_heads=3, out_indices=(0, 1), **arguments),
        neck=neck,
        decode_head=dict(
            type="DPTHead", in_channels=(48, 48), channels=8, scales=(4, 2), readout="ignore" if neck else "project"
        ),
    )
    return model.eval()


@pytest.fixture
def images() -> torch.Tensor:
    """Smooth ones: among patches of noise all are equally important."""
    generator = torch.Generator().manual_seed(1)
    return F.interpolate(255 * torch.rand(3, 3, 5, 7, generator=generator), (176, 240), mode="bicubic").clamp(0, 255)


MODELS = {
    "deit": dict(backbone="DeiT", canonical_focal=246.5),
    "evit": dict(backbone="EViT", keep_rate=(0.7, 0.5)),
    "tosa": dict(backbone="ToSA", selection="per_head", keep_rate=0.5),
    "neck": dict(backbone="DeiT", neck=dict(type="mmseg.FPN", in_channels=[48, 48], out_channels=48, num_outs=2)),
}


# DeiT as ONNX is in test_forms.py, the other selection in test_selecting.py, and ToSA as a torch program in
# tests/models/test_selective.py.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["deit", "evit"])
def test_torch_program(name, images, tmp_path):
    model = tiny(**MODELS[name])
    about = {"model": "name", "licence": "MIT"}
    found, described = export_model(model, tmp_path / "m.pt2", "torch", about, recommended=(224, 304))
    assert [one.size for one in found] == [(1, 128, 128), (2, 224, 304), (1, 480, 640)]
    assert all(one.largest <= 1e-4 and one.beyond == 0 for one in found)
    metadata = {"depthkit.json": ""}
    run = torch.export.load(tmp_path / "m.pt2", extra_files=metadata).module()
    assert json.loads(metadata["depthkit.json"]) == described
    assert described.items() >= (about | describe_output(model)).items()
    assert described["recommended_size"] == "224x304" and described["mean_std"] == "inside"
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        assert run(images).shape == (3, 1, 176, 240)
        torch.testing.assert_close(run(images), model((images - mean) / std), rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["evit", "tosa", "neck"])
def test_onnx(name, images, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = tiny(**MODELS[name])
    about = {"model": "name", "licence": "MIT"}
    found, described = export_model(model, tmp_path / "m.onnx", "onnx", about)
    assert all(one.holds for one in found)
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]  # no weights in a file beside it
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("images", "tensor(float)", ["batch", 3, "height", "width"])
    assert (given.name, given.shape) == ("depth", ["batch", 1, "height", "width"])
    assert session.get_modelmeta().custom_metadata_map == described
    assert b"deployable.py" not in (tmp_path / "m.onnx").read_bytes()  # nothing of this machine's files
    depth = torch.from_numpy(session.run(["depth"], {"images": images.numpy()})[0])
    with torch.no_grad():
        torch.testing.assert_close(depth, Deployable(model)(images), rtol=0, atol=1e-4)


def test_what_the_numbers_mean():
    assert describe_output(tiny("DeiT")) == {"output": "depth", "unit": "m", "metres": "depth"}
    described = describe_output(tiny("DeiT", canonical_focal=246.4575025))
    assert float(described.pop("canonical_focal")) == 246.4575025
    assert described == {
        "output": "depth",
        "unit": "m",
        "metres": "depth * fx / canonical_focal, where fx is the focal length in pixels at the size of `images`",
    }
    relative = tiny("DeiT")
    relative.output = "disparity"
    described = describe_output(relative)
    assert described.pop("unit").startswith("1 / depth up to") and described == {"output": "disparity"}


def test_the_model_itself_stays_as_it_was():
    model = tiny("DeiT")
    image = torch.randn(1, 3, 130, 135)
    with torch.no_grad():
        before = model.backbone(image)
        Deployable(model)
        assert all(torch.equal(a, b) for a, b in zip(before, model.backbone(image), strict=True))


def test_a_file_that_disagrees_is_not_kept(monkeypatch, tmp_path):
    monkeypatch.setattr("depthkit.export.formats.trace", lambda model, form: None)
    monkeypatch.setattr("torch.export.save", lambda program, file, extra_files: None)
    monkeypatch.setattr("depthkit.export.formats._load_torch", lambda path: lambda images: images[:, :1] * torch.nan)
    with pytest.raises(InputError, match="m.pt2: not written because the exported model differs"):
        export_model(tiny("DeiT"), tmp_path / "m.pt2", "torch")
    assert not list(tmp_path.iterdir())


def test_the_comparison_finds_a_shift_of_two_millimetres():
    model = tiny("DeiT")
    same = Deployable(model)
    assert all(one.largest < 1e-5 and one.holds for one in agreement.compare(model, same))
    shifted = agreement.compare(model, lambda images: same(images) + 2e-3)
    assert all(abs(one.largest - 2e-3) < 1e-5 and one.beyond == 1 and not one.holds for one in shifted)


@pytest.mark.parametrize("output", ["disparity", "relative_depth"])
def test_without_a_unit_differences_are_fractions_of_the_range(output, monkeypatch, tmp_path):
    model = tiny("DeiT")
    model.output, same, spans = output, Deployable(model), []

    def shifted(images):
        values = same(images)
        spans.append(values.max() - values.min())
        return values + 2e-3 * spans[-1]

    found = agreement.compare(model, shifted)  # whose rounding is 1e-6 of a range of 0.01
    assert all(abs(one.largest - 2e-3) < 2e-4 and not one.holds for one in found) and max(spans) > 0.01
    assert agreement.unit_of(model) == "of the range" and agreement.unit_of(tiny("DeiT")) == "m"
    monkeypatch.setattr("depthkit.export.formats.trace", lambda model, form: None)
    monkeypatch.setattr("torch.export.save", lambda program, file, extra_files: None)
    monkeypatch.setattr("depthkit.export.formats._load_torch", lambda path: shifted)
    with pytest.raises(InputError, match=r"100.0% of the pixels by more than 0.001 of the range .* 0.002\d* of"):
        export_model(model, tmp_path / "m.pt2", "torch")


def test_a_model_that_gives_one_number_agrees_with_itself():
    model = tiny("DeiT")
    model.output = "disparity"
    torch.nn.init.zeros_(model.decode_head.head[-1].weight)
    found = agreement.compare(model, Deployable(model))
    assert all(one.largest == 0 and one.holds for one in found)


def test_what_cannot_be_exported(tmp_path):
    with pytest.raises(InputError, match=r"m.pth: expected a name that ends in .onnx for the format onnx"):
        export_model(tiny("DeiT"), tmp_path / "m.pth", "onnx")

    class Stubborn(nn.Module):
        def forward(self, x):
            return [x, x] if x.mean() > 0 else [-x, -x]  # depends on the data

    model = tiny("DeiT")
    model.backbone = Stubborn()
    with pytest.raises(InputError, match="Stubborn: torch.export cannot follow this model"):
        export_model(model, tmp_path / "m.pt2", "torch")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("divisor", "least"), [(16, 80), (14, 84), (32, 160), (1, 80)])
def test_smallest_side(divisor, least):
    assert smallest_side(divisor) == least


def test_where_the_file_goes_is_looked_at_before_the_work():
    for path, message in (
        ("/proc/none/a.pt2", "cannot be made or written to"),
        ("x" * 300 + ".pt2", "takes 304 bytes"),
    ):
        with pytest.raises(InputError, match=message):
            export_model(None, path, "torch")  # no model: nothing is traced


def test_a_signal_that_torch_turned_into_another_error_is_still_a_signal(tmp_path, monkeypatch):
    def export(*arguments, **options):
        try:
            raise Stopped(signal.SIGTERM)
        except BaseException:
            raise RuntimeError("trying to pop from empty mode stack")  # noqa: B904 (as torch does)

    monkeypatch.setattr(torch.export, "export", export)
    with pytest.raises(Stopped):
        export_model(tiny(**MODELS["deit"]), tmp_path / "m.pt2", "torch")
    assert not list(tmp_path.iterdir())
