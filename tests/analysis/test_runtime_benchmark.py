"""`depthkit benchmark --runtimes`."""

import json

import pytest
import torch

from depthkit.analysis import runtime_benchmark
from depthkit.analysis.benchmark import describe_machine
from depthkit.analysis.runtime_benchmark import parse_column, print_tables, size_within
from depthkit.errors import InputError
from depthkit.models import DepthEstimator

NAMES = ("torch", "onnx")


def tiny_model() -> DepthEstimator:
    backbone = dict(type="DeiT", embed_dim=48, depth=2, num_heads=3, out_indices=(0, 1))
    head = dict(type="DPTHead", in_channels=(48, 48), channels=8, scales=(4, 2))
    return DepthEstimator(backbone=backbone, decode_head=head)


def test_each_model_takes_the_largest_size_within_the_input():
    model = DepthEstimator.__new__(DepthEstimator)
    torch.nn.Module.__init__(model)
    for divisor, expected in ((14, (476, 630)), (16, (480, 640)), (32, (480, 640))):
        model.size_divisor = divisor
        assert size_within(model, 480, 640) == expected
    with pytest.raises(InputError, match="--inputs 16x640: is smaller than a patch of 32 px"):
        size_within(model, 16, 640)


def test_ratios_are_of_the_same_round(capsys):
    times = {("a", "torch"): [10, 20, 40], ("a", "onnx"): [5, 10, 20], ("b", "torch"): [20, 20, 20]}
    found = {cell: {"ms": values[1], "rounds_ms": values, "error": 0.001} for cell, values in times.items()}
    print_tables(("a", "b"), NAMES, found)
    tables = [block.splitlines() for block in capsys.readouterr().out.strip().split("\n\n")]
    assert [[line.split()[-2:] for line in lines] for lines in tables] == [
        [["torch", "onnx"], ["20.0", "10.0"], ["20.0", "-"]],
        [["torch", "onnx"], ["1.00", "0.50"], ["1.00", "-"]],
        [["torch", "onnx"], ["1.00", "1.00"], ["1.00", "-"]],
        [["torch", "onnx"], ["0.10%", "0.10%"], ["0.10%", "-"]],
    ]


@pytest.mark.slow
def test_the_command_times_runtimes(cli, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime_benchmark, "build_variant", lambda *given: tiny_model())
    given = ["--task", "depth", "--inputs", "128x150:1", "--rounds", 2, "--json", tmp_path / "r.json"]
    result = cli("benchmark", *given, "--variants", "deit", "--runtimes", *NAMES)
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert [one["runtime"] for one in report["results"]] == list(NAMES)
    for one in report["results"]:
        assert (one["height"], one["width"], len(one["rounds_ms"])) == (128, 144, 2)
        assert one["error"] < 1e-4 and one["ms"] > 0
    assert result.stdout.startswith(describe_machine({"torch": torch.__version__}) + ", onnxruntime ")
    assert "time / torch" in result.stdout and "time / deit" in result.stdout


def test_columns():
    assert parse_column("torch", False) == ("torch", "float32")
    with pytest.raises(InputError, match="--runtimes onnx:int8: int8 learns .* add --images DIR"):
        parse_column("onnx:int8", False)
    with pytest.raises(InputError, match="--runtimes auto: name the runtimes"):
        parse_column("auto", False)
    with pytest.raises(InputError, match="--runtimes torch:fp16: expected one of float32"):
        parse_column("torch:fp16", False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--runtimes: run whole depth models; add --task depth"),
        (["--task", "depth", "--dtype", "bfloat16"], "--dtype: does not go with --runtimes"),
        (["--task", "depth", "--device", "cuda"], "--device: runtimes are timed on the CPU"),
        (["--task", "depth", "--variants", "deit", "deit"], "--variants and --runtimes: name each only once"),
    ],
)
def test_what_does_not_go_with_runtimes(cli, arguments, message):
    result = cli("benchmark", *arguments, "--runtimes", "torch")
    assert result.returncode == 2 and message in result.stderr
