"""The runtime that is chosen agrees with torch, and is the fastest that does."""

import pickle
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
        self.kept_is_wrong = False  # of a graph that was kept
        self.model = type("Model", (torch.nn.Module,), {"output": "depth"})()

    def make(self, runtime, precision):
        seconds, added = self.runtimes[runtime]
        added += self.kept_is_wrong and runtime != "torch"
        self.made.append(runtime)

        def run(images):
            time.sleep(seconds)
            return (images[:, :1] + added,)

        return run

    def distrust_kept(self, runtime, precision):
        was, self.kept_is_wrong = self.kept_is_wrong, False
        return was


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
    refused, chosen = said.splitlines()
    assert re.search(r"runtime openvino: not used: largest .* 0.01 m, 100.0% of the values beyond 0.001 m ", refused)
    assert re.search(r"runtime: onnx float32, \d+ ms \(torch \d+\), largest .* 1e-05 m, .* 5%\), at 4x4 px$", chosen)


def test_torch_is_not_compared_with_itself(capsys):
    assert choose_network(Fake(onnx=(0.02, 0.0), openvino=(0.02, 0.0)), "auto", "float32", None, IMAGES)[0] == "torch"
    assert re.fullmatch(r"runtime: torch float32, \d+ ms \(onnx \d+, openvino \d+\), at .*\n", capsys.readouterr().err)


def test_times_are_remembered_but_not_that_it_agrees(capsys, tmp_path):
    choose_network(Fake(onnx=(0.0, 0.0), openvino=(0.005, 0.0)), "auto", "float32", None, IMAGES)
    again = Fake(onnx=(0.0, 0.0), openvino=(0.005, 0.0))
    assert choose_network(again, "auto", "float32", None, IMAGES)[0] == "onnx" and again.made == ["torch", "onnx"]
    changed = Fake(onnx=(0.0, 1.0), openvino=(0.005, 0.0))
    assert choose_network(changed, "auto", "float32", None, IMAGES)[0] == "openvino"
    assert "runtime onnx: not used: largest difference from torch 1 m" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ['{"ms": 1}', '{"ms": {"onnx": "x"}}', '{"ms": {"other": 1.0}}', '{"ms": {"onnx": NaN}}']
)
def test_remembered_times_that_are_none_are_measured_again(content, tmp_path):
    networks = Fake(onnx=(0.0, 0.0), openvino=(0.005, 0.0))
    for _ in range(2):
        assert choose_network(networks, "auto", "float32", None, IMAGES)[0] == "onnx"
        (kept,) = (tmp_path / "graphs").glob("*.json")
        kept.write_text(content)


def test_a_kept_graph_that_does_not_agree_is_made_again():
    networks = Fake(onnx=(0.0, 0.0))
    networks.kept_is_wrong = True
    name, run = choose_network(networks, "onnx", "float32", None, IMAGES)
    assert networks.made == ["torch", "onnx", "onnx"] and (run(IMAGES[0])[0] == 1).all()


def test_one_that_does_not_agree_is_refused_once(capsys):
    with pytest.raises(InputError, match=r"runtime openvino: does not agree .* \(largest .* 0.01 m, 100.0% of .* m "):
        choose_network(Fake(openvino=(0.0, 0.01)), "openvino", "float32", None, IMAGES)
    assert not capsys.readouterr().err
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
    """The first four layers of the packaged model, whose graph is soon made, and the folder where graphs are kept."""
    predictor = DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu")
    backbone = predictor.model.backbone
    backbone.blocks, backbone.out_indices = backbone.blocks[:4], (0, 1, 2, 3)
    return predictor, tmp_path_factory.mktemp("cache")


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
    thin = torch.rand(3, 10, 300, generator=generator)
    found = predictor(thin).values
    assert "too small for runtime openvino, which needs 80 px; such images go through torch" in capsys.readouterr().err
    with pytest.raises(InputError, match="runtime openvino: a predictor in it cannot be pickled; call use_runtime"):
        pickle.dumps(predictor)
    for wrong in (-1, "x", float("nan")):
        with pytest.raises(InputError, match="max_error=.*: expected a number above 0"):
            predictor.use_runtime("onnx", max_error=wrong)
    with pytest.raises(InputError, match="calibration=5: expected a folder, or a list of images"):
        predictor.use_runtime("onnx", "int8", 5)
    with pytest.raises(InputError, match="runtime='nonsense'"):
        predictor.use_runtime("nonsense")
    assert predictor.runtime == "openvino" and predictor.model.run_elsewhere.runtime == "openvino"
    with pytest.raises(InputError, match="calibration: 2 images are too few; give 8 or more"):
        predictor.use_runtime("onnx", "int8", images[:2])
    noise = [torch.rand(3, 144, 192, generator=generator) for _ in range(8)]
    with pytest.raises(InputError, match=r"precision int8: its mean error .* 0.00% is the most; allow more"):
        predictor.use_runtime("onnx", "int8", noise, max_error=1e-6)
    predictor.use_runtime("onnx", "int8", noise, max_error=10)
    assert predictor(images[0]).values.shape == expected[0].shape
    predictor.use_runtime()
    assert (predictor(thin).values == found).all()
    assert all((result.values == values).all() for result, values in zip(predictor(images), expected, strict=True))
