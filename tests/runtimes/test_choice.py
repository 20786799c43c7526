"""The runtime that is chosen agrees with torch, and is the fastest that does."""

import re
import time

import pytest
import torch

from depthkit import DepthPredictor
from depthkit.errors import InputError
from depthkit.runtimes import choice
from depthkit.runtimes.choice import choose_network


class Fake:
    """Stands for `Networks`: a runtime is a time to wait and what it adds to the depth."""

    key_of = staticmethod(lambda precision: "key")

    def __init__(self, **runtimes: tuple[float, float]) -> None:
        self.runtimes = {"torch": (0.01, 0.0), **runtimes}
        self.made = []
        self.model = type("Model", (torch.nn.Module,), {"output": "depth"})()

    def make(self, runtime, precision):
        seconds, added = self.runtimes[runtime]
        self.made.append(runtime)

        def run(images):
            time.sleep(seconds)
            return (images[:, :1] + added,)

        return run


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(choice, "candidates", lambda precision, device: ["torch", "onnx", "openvino"])


IMAGES = [torch.ones(1, 3, 4, 4)]


def test_auto_takes_the_fastest_that_agrees(capsys):
    networks = Fake(onnx=(0.005, 1e-5), openvino=(0.0, 0.01))
    name, run = choose_network(networks, "auto", "float32", None, IMAGES)
    assert name == "onnx" and run(IMAGES[0])[0].mean() == pytest.approx(1 + 1e-5)
    said = capsys.readouterr().err
    assert re.search(r"runtime openvino float32: \d+ ms, .* 0.01 m, 100.0% of the values .*; not used\n", said)
    assert re.search(r"runtime: onnx float32, \d+ ms, largest .* 1e-05 m, .* \(at most 5%\), at 4x4 px\n", said)


def test_what_was_measured_is_not_measured_again(capsys):
    choose_network(Fake(onnx=(0.0, 0.0), openvino=(0.01, 0.0)), "auto", "float32", None, IMAGES)
    again = Fake(onnx=(0.0, 0.0), openvino=(0.01, 0.0))
    assert choose_network(again, "auto", "float32", None, IMAGES)[0] == "onnx" and again.made == ["onnx"]


def test_one_that_does_not_agree_is_refused():
    with pytest.raises(InputError, match="runtime openvino: does not agree with torch on this machine"):
        choose_network(Fake(openvino=(0.0, 0.01)), "openvino", "float32", None, IMAGES)
    with pytest.raises(InputError, match="runtime openvino: does not agree"):
        choose_network(Fake(openvino=(0.0, float("nan"))), "openvino", "float32", None, IMAGES)


def test_auto_leaves_out_what_cannot_be_made(capsys):
    networks = Fake(openvino=(0.0, 0.0))
    make = networks.make

    def fail(runtime, precision):
        if runtime == "onnx":
            raise InputError("cannot be exported")
        return make(runtime, precision)

    networks.make = fail
    assert choose_network(networks, "auto", "float32", None, IMAGES)[0] == "openvino"
    assert "runtime onnx: not used: cannot be exported" in capsys.readouterr().err
    with pytest.raises(InputError, match="^cannot be exported"):
        choose_network(networks, "onnx", "float32", None, IMAGES)


def test_a_lower_precision_has_a_mean_error():
    networks = Fake(openvino=(0.0, 0.01))
    assert choose_network(networks, "openvino", "bfloat16", 0.02, IMAGES)[0] == "openvino"
    with pytest.raises(InputError, match=r"mean error against float32 is 1.00% with openvino, and 0.50% is the most"):
        choose_network(networks, "openvino", "bfloat16", 0.005, IMAGES)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """The packaged model, and the folder where its graphs are kept."""
    return DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu"), tmp_path_factory.mktemp("cache")


@pytest.mark.slow
def test_each_runtime_predicts_what_torch_does(packaged, monkeypatch, capsys):
    for package in ("onnx", "onnxscript", "onnxruntime", "openvino"):
        pytest.importorskip(package)
    predictor, folder = packaged
    monkeypatch.setenv("DEPTHKIT_CACHE", str(folder))
    monkeypatch.setattr(choice, "candidates", lambda precision, device: ["torch", "onnx", "openvino"])
    generator = torch.Generator().manual_seed(0)
    images = [
        torch.nn.functional.interpolate(torch.rand(1, 3, 5, 7, generator=generator), size, mode="bilinear")[0]
        for size in ((200, 300), (300, 200), (144, 192))
    ]
    expected = [one.values for one in predictor(images)]
    for runtime in ("onnx", "openvino", "auto"):
        predictor.use_runtime(runtime)
        for result, values in zip(predictor(images), expected, strict=True):
            assert abs(result.values - values).max() < 1e-4
    assert f"runtime={predictor.runtime}" in repr(predictor) or predictor.runtime == "torch"
    assert capsys.readouterr().err.count("exporting the model") == 1
    assert len(list((folder / "graphs").glob("*.onnx"))) == 1
    predictor.use_runtime("openvino")
    narrow = torch.rand(3, 400, 16, generator=generator)
    small = predictor(narrow)
    assert capsys.readouterr().err.endswith("warning: openvino needs inputs of 32 px; smaller ones run in torch\n")
    predictor.use_runtime()
    assert (small.values == predictor(narrow).values).all()
    with pytest.raises(InputError, match="calibration: 2 images are too few; give 8 or more"):
        predictor.use_runtime("onnx", "int8", images[:2])
    noise = [torch.rand(3, 144, 192, generator=generator) for _ in range(8)]
    with pytest.raises(InputError, match=r"precision int8: its mean error .* 0.00% is the most; allow more"):
        predictor.use_runtime("onnx", "int8", noise, max_error=1e-6)
    predictor.use_runtime("onnx", "int8", noise, max_error=10)
    assert predictor(images[0]).values.shape == expected[0].shape
    predictor.use_runtime()
    assert all((result.values == values).all() for result, values in zip(predictor(images), expected, strict=True))
