"""Files in other forms than float32 for any size; classifiers; and the samples that run files without depthkit."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from depthkit.apis.export_source import load_published_source
from depthkit.apis.predictor import DepthPredictor
from depthkit.app.onnxruntime_web import FILES, VERSION
from depthkit.errors import InputError
from depthkit.export.deployable import Deployable, Form, trace
from depthkit.export.formats import export_model
from depthkit.models import Classifier, DepthClassifier, DepthEstimator
from depthkit.utils.imagenet_stats import IMAGENET_MEAN, IMAGENET_STD
from helpers import REPOSITORY, load_tool

BACKBONE = dict(type="DeiT", embed_dim=48, depth=2, num_heads=3)
PREPROCESSOR = dict(type="SegDataPreProcessor", mean=IMAGENET_MEAN, std=IMAGENET_STD)
HEAD = dict(type="DPTHead", in_channels=(48, 48), channels=8, scales=(4, 2))
CLASSES = dict(type="ClsHead", in_channels=48, num_classes=7)
SIZE = (128, 160)


def build(kind: type, **arguments):
    torch.manual_seed(0)
    return kind(data_preprocessor=PREPROCESSOR, **arguments).eval()


@pytest.fixture(scope="module")
def model() -> DepthEstimator:
    backbone = BACKBONE | dict(out_indices=(0, 1))
    return build(DepthEstimator, backbone=backbone, decode_head=HEAD, canonical_focal=100.0)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return F.interpolate(255 * torch.rand(1, 3, 5, 7, generator=generator), SIZE, mode="bicubic").clamp(0, 255)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory) -> Path:
    pytest.importorskip("onnxruntime")
    path = tmp_path_factory.mktemp("exported") / "m.onnx"
    export_model(model, path, "onnx", recommended=SIZE)
    return path


@pytest.fixture(scope="module")
def expected(model, images) -> torch.Tensor:
    with torch.inference_mode():
        return Deployable(model)(images)


@pytest.mark.slow
def test_openvino_runs_it(exported, images, expected):
    pytest.importorskip("openvino")
    from depthkit.runtimes.openvino_graph import load_openvino

    (found,) = load_openvino(exported, "float32", 1)(images)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.fixture
def onnxruntime_web(tmp_path) -> Path:
    """The module of onnxruntime-web for node, which needs one file more than a browser."""
    given = os.environ.get("DEPTHKIT_ONNXRUNTIME_WEB")
    folder, names = tmp_path / "package" / "dist", [*FILES.values(), "ort-wasm-simd-threaded.mjs"]
    if given:
        folder = Path(given) / "dist"
    elif shutil.which("npm"):
        command = ["npm", "pack", "--silent", "--offline", f"onnxruntime-web@{VERSION}"]
        subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
        for archive in tmp_path.glob("*.tgz"):
            with tarfile.open(archive) as content:
                content.extractall(tmp_path, [f"package/dist/{name}" for name in names], filter="data")
    if shutil.which("node") is None or not all((folder / name).is_file() for name in names):
        pytest.skip(f"needs node, and onnxruntime-web {VERSION} in npm's cache or as DEPTHKIT_ONNXRUNTIME_WEB")
    return folder / FILES["onnxruntime.js"]


@pytest.mark.slow
def test_onnxruntime_web_runs_it(exported, images, expected, onnxruntime_web, tmp_path):
    images.numpy().astype("<f4").tofile(tmp_path / "images")
    script = REPOSITORY / "tools" / "samples" / "run_web.mjs"
    shape = "x".join(map(str, images.shape))
    arguments = [exported, tmp_path / "images", shape, tmp_path / "depth", onnxruntime_web]
    done = subprocess.run(["node", script, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = np.fromfile(tmp_path / "depth", "<f4").reshape(expected.shape)
    assert abs(found - expected.numpy()).max() < 1e-4


@pytest.mark.slow
def test_the_sample_for_onnx(exported, model, monkeypatch, capsys, tmp_path):
    sample = load_tool("samples/run_onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    out = tmp_path / "a.npy"
    monkeypatch.setattr("sys.argv", ["run", str(exported), str(tmp_path / "a.png"), "--focal", "50", "--out", str(out)])
    sample.main()
    assert capsys.readouterr().out.endswith(" [m]\n")
    with torch.inference_mode():
        whole = Deployable(model)(torch.from_numpy(pixels).permute(2, 0, 1)[None].float())[0, 0]
    np.testing.assert_allclose(np.load(out), whole.numpy() * 50 / 100, atol=1e-4)
    with pytest.raises(ValueError, match="images: are from .* to 1; expected 0 to 255, as the graph itself"):
        sample.check_images(np.linspace(0, 1, 3 * 128 * 128, dtype=np.float32).reshape(1, 3, 128, 128))
    assert sample.input_size(
        {"recommended_size": "128x160", "size_divisor": "16", "smallest_side": "128"}, 80, 800
    ) == (
        128,
        448,
    )


@pytest.mark.slow
def test_the_sample_for_torch(model, images, expected, tmp_path):
    export_model(model, tmp_path / "m.pt2", "torch", form=Form(SIZE), recommended=SIZE)
    sample = load_tool("samples/run_pt2")
    network, metadata = sample.load(str(tmp_path / "m.pt2"))
    assert metadata["size"] == "128x160"
    image = Image.fromarray(images[0].permute(1, 2, 0).round().to(torch.uint8).numpy())
    values, unit = sample.predict(network, metadata, image, None)
    assert unit == "m" and abs(values - expected[0, 0].numpy()).max() < 1e-2  # of rounding the image
    with pytest.raises(ValueError, match="expected 0 to 255"):
        sample.check_images(images / 255)


@pytest.mark.slow
def test_one_size_in_float16(exported, model, images, expected, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    found, metadata = export_model(model, tmp_path / "m.onnx", "onnx", form=Form(SIZE, "float16"))
    assert [one.size for one in found] == [(1, *SIZE)] and metadata["precision"] == "float16"
    assert (tmp_path / "m.onnx").stat().st_size < 0.7 * exported.stat().st_size
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    assert (taken.type, taken.shape) == ("tensor(float)", [1, 3, *SIZE])
    (depth,) = session.run(None, {"images": images.numpy()})
    assert depth.dtype == np.float32 and abs(depth - expected.numpy()).max() < 0.02


@pytest.mark.slow
def test_int8(model, images, monkeypatch, tmp_path):
    pytest.importorskip("onnxruntime")
    about = dict(form=Form(SIZE, "int8"), calibration=[images, images.flip(-1)])
    program = trace(model, about["form"])
    monkeypatch.setattr("depthkit.export.formats.trace", lambda model, form: program)  # once for two files
    with pytest.raises(InputError, match=r"in this precision the mean error of depth is .* --max-error"):
        export_model(model, tmp_path / "m.onnx", "onnx", **about, max_error=1e-9)
    assert not list(tmp_path.iterdir())
    found, metadata = export_model(model, tmp_path / "m.onnx", "onnx", **about, max_error=10)
    assert metadata["precision"] == "int8" and all(one.error > 0 for one in found)
    with pytest.raises(InputError, match="int8 is for ONNX only"):
        export_model(model, tmp_path / "m.pt2", "torch", **about)


@pytest.mark.slow
def test_a_classifier(images, tmp_path):
    model = build(Classifier, backbone=BACKBONE | dict(num_classes=0), cls_head=CLASSES)
    found, metadata = export_model(model, tmp_path / "m.pt2", "torch")
    assert [one.output for one in found] == ["logits"] * 3 and all(one.holds for one in found)
    assert (metadata["num_classes"], metadata["output"]) == ("7", "classes")
    with torch.inference_mode():
        logits, expected = torch.export.load(tmp_path / "m.pt2").module()(images), Deployable(model)(images)
    assert logits.shape == (1, 7)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_classifier_with_depth(images, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    taps = dict(out_indices=(0, 1))
    model = build(DepthClassifier, backbone=BACKBONE | taps, cls_head=CLASSES, decode_head=HEAD)
    found, metadata = export_model(model, tmp_path / "m.onnx", "onnx")
    assert [one.output for one in found] == ["depth", "logits"] * 3 and all(one.holds for one in found)
    assert (metadata["num_classes"], metadata["output"]) == ("7", "depth")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    assert {one.name: one.shape for one in session.get_outputs()}["logits"] == ["batch", 7]
    logits = session.run(["logits"], {"images": images.numpy()})[0]
    with torch.inference_mode():
        expected = Deployable(model)(images)
    torch.testing.assert_close(torch.from_numpy(logits), expected[1], rtol=0, atol=1e-4)


def test_sizes_that_cannot_be(model, tmp_path):
    with pytest.raises(InputError, match="size 100x160: the sides must be multiples of 16 px and at least 80 px; try"):
        export_model(model, tmp_path / "m.pt2", "torch", form=Form((100, 160)))


@pytest.mark.slow
def test_the_sample_gives_the_depth_of_the_predictor(tmp_path):
    source = load_published_source("rooms-deit-tiny", None)
    assert source.resampling == "area, linear"
    predictor = DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu")
    for backbone in (source.model.backbone, predictor.model.backbone):  # the first layers, which are soon traced
        backbone.blocks, backbone.out_indices = backbone.blocks[:4], (0, 1, 2, 3)
    about = {"resampling": source.resampling}
    export_model(source.model, tmp_path / "m.pt2", "torch", about, recommended=source.recommended_size)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(pixels).resize((640, 480), Image.Resampling.BICUBIC))
    sample = load_tool("samples/run_pt2")
    network, metadata = sample.load(str(tmp_path / "m.pt2"))
    values, _ = sample.predict(network, metadata, Image.fromarray(pixels), 500.0)
    expected = predictor(pixels, focal=500.0)
    np.testing.assert_allclose(values, expected.depth, atol=2e-3)
    with pytest.raises(ValueError, match="the image has the mode I;16, more than 8 bits"):
        sample.predict(network, metadata, Image.fromarray(np.zeros((4, 4), np.uint16)), None)
