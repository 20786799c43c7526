"""Where a command writes is checked before its work: never over an input, and in a folder that can be written to."""

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ["test", "w.pth", "--json", "w.pth"],
        ["test", "w.pth", "--out", "sub/../w.pth"],
        ["predict", "a.jpg", "--weights", "w.pth", "--json", "a.jpg"],
        ["predict", "a.jpg", "--weights", "w.pth", "--json", "w.pth"],
        ["export", "w.onnx", "--out", "w.onnx"],
        ["export", "w.pth", "--out", "b.onnx", "--json", "b.onnx"],
        ["export-weights", "w.safetensors", "--out", "w.safetensors"],
        ["benchmark", "--weights", "w.pth", "--json", "w.pth"],
        ["prepare-nyu", "w.mat", "--check", "--json", "w.mat"],
    ],
)
def test_an_input_is_never_replaced(cli, tmp_path, monkeypatch, arguments) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for name in ("a.jpg", "w.pth", "w.onnx", "w.safetensors", "w.mat"):
        (tmp_path / name).write_text("mine")
    done = cli(*arguments)
    assert done.returncode == 2
    assert (
        done.stderr == f"error: {arguments[-1]}: is one of the inputs and would be overwritten; choose another output\n"
    )
    assert all(path.read_text() == "mine" for path in tmp_path.glob("*.*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "w.pth", "--out"],
        ["configs", "--json"],
        ["benchmark", "--json"],
        ["prepare-nyu", "x", "--check", "--json"],
    ],
)
def test_a_folder_that_cannot_be_made_is_found_first(cli, arguments) -> None:
    done = cli(*arguments, "/proc/none/a.onnx")
    assert done.returncode == 2 and done.stderr.startswith("error: /proc/none: cannot be made or written to")
    assert "is a folder; give the name of a file" in cli("configs", "--json", "/").stderr
