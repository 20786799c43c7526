"""Where a command writes is checked before its work: never over an input, and in a folder that can be written to."""

import pytest
from PIL import Image


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


def test_a_name_that_does_not_fit_fails_that_image_only(cli, checkpoint_with_config, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for stem in ("a", "k" * 239, "k" * 250):
        Image.new("RGB", (64, 64)).save(tmp_path / "in" / f"{stem}.png")
    done = cli("predict", "in", "--weights", checkpoint_with_config, "--device", "cpu", "--side-by-side")
    assert done.returncode == 1 and "takes 262 bytes, and the file system 255 at most" in done.stderr
    done = cli("predict", "in", "--weights", checkpoint_with_config, "--device", "cpu", "--out", "o")
    assert done.returncode == 1 and done.stderr.count("error: ") == 1
    kinds = ("_colored.png", "_depth.npy", "_depth.png")
    assert {path.name for path in (tmp_path / "o").iterdir()} == {s + k for s in ("a", "k" * 239) for k in kinds}


@pytest.mark.parametrize("command", ["predict", "tokens"])
def test_results_among_the_images_are_refused_the_first_time_too(cli, command, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64)).save("a.png")
    done = cli(command, ".", "--weights", "w.pth", "--out", tmp_path)
    assert done.returncode == 2 and "results there would be taken for images by '.' the next time" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_an_image_may_have_its_results_beside_it(cli, checkpoint_with_config, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64)).save("a.png")
    for _ in range(2):
        done = cli("predict", "a.png", "--weights", checkpoint_with_config, "--device", "cpu", "--out", ".")
        assert done.returncode == 0, done.stderr
