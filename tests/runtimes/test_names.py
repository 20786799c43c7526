"""Runtimes and precisions by name: what cannot be had is said in one sentence, before torch is imported."""

import pytest

from depthkit.errors import InputError
from depthkit.runtimes import names
from helpers import run_and_list_imports


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tensorrt", "float32", "cpu", False), "runtime='tensorrt': expected one of torch, compile, onnx"),
        (("torch", "fp16", "cpu", False), "precision='fp16': expected one of float32"),
        (
            ("onnx", "bfloat16", "cpu", False),
            "does not compute in bfloat16 .* use runtime torch or compile or openvino",
        ),
        (("torch", "int8", "cpu", True), "does not compute in int8"),
        (("onnx", "int8", "cpu", False), "precision int8: needs some of your images"),
        (("onnx", "float32", "cpu", True), "calibration: is for precision int8, not for float32"),
        (("openvino", "float32", "cuda", False), "runtime openvino: runs on the CPU here, not on cuda"),
        (("auto", "int8", "cuda", True), "precision int8: runs on the CPU here"),
    ],
)
def test_what_does_not_fit_together(arguments, message):
    with pytest.raises(InputError, match=message):
        names.check_runtime(*arguments)


def test_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(names, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"openvino: needs onnx, onnxscript, openvino; run: pip .*depthkit\[openvino\]"
    ):
        names.check_runtime("openvino", "float32", "cpu", False)
    with pytest.raises(InputError, match=r"runtime auto: needs onnxruntime; run: pip .*depthkit\[onnx\]"):
        names.check_runtime("auto", "int8", "cpu", True)
    assert names.candidates("float32", "cpu") == ["torch", "compile"]


def test_a_cpu_without_the_instructions(monkeypatch):
    monkeypatch.setattr(names, "_cpu_flags", lambda: {"avx2"})
    names.check_runtime("torch", "float32", "cpu", False)
    for precision in ("bfloat16", "float16"):
        with pytest.raises(InputError, match=f"precision {precision}: this CPU has no instructions for it"):
            names.check_runtime("torch", precision, "cpu", False)
    monkeypatch.setattr(names, "_cpu_flags", lambda: {"avx512_bf16"})
    names.check_runtime("torch", "bfloat16", "cpu", False)


def test_auto_tries_what_is_installed(monkeypatch):
    monkeypatch.setattr(names, "find_spec", lambda name: name)
    assert names.candidates("float32", "cpu") == ["torch", "onnx", "openvino"]
    assert names.candidates("bfloat16", "cpu") == ["torch", "openvino"]
    assert names.candidates("int8", "cpu") == ["onnx", "openvino"]
    assert names.candidates("float32", "cuda") == ["torch", "compile"]


def test_the_names_need_no_torch():
    assert "torch" not in run_and_list_imports("-c", "import depthkit.runtimes.names")[1]
