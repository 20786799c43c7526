"""`depthkit tokens`: selections of a backbone alone and of a depth model."""

from pathlib import Path

import matplotlib.cbook
import pytest
import torch
from PIL import Image

from depthkit.models import EViT, ToSA

IMAGE = Path(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> dict[str, Path]:
    """Files of weights, not trained: a ToSA-Tiny and an EViT-Tiny."""
    folder = tmp_path_factory.mktemp("weights")
    models = {"tosa": ToSA(embed_dim=192, num_heads=3), "evit": EViT(embed_dim=192, num_heads=3, num_classes=0)}
    for name, model in models.items():
        torch.save(model.state_dict(), folder / f"{name}.pth")
    return {name: folder / f"{name}.pth" for name in models}


def test_rows_of_heads_for_every_image(cli, weights, tmp_path):
    (tmp_path / "empty.jpg").touch()
    done = cli(
        "tokens", IMAGE, tmp_path / "empty.jpg", "--weights", weights["tosa"], "--selection", "per_head",
        "--img-size", 100, "--out", tmp_path / "new" / "out",
    )  # fmt: skip
    assert done.returncode == 1 and "empty.jpg: is empty" in done.stderr
    (image,) = (tmp_path / "new" / "out").iterdir()
    assert image.name == "grace_hopper_tokens.png" and image.name in done.stdout
    width, height = Image.open(image).size
    # Of 512x600 px, 96x112 are whole patches. Four panels in four rows, at least 336 px high.
    assert 4 * 336 < height < 4 * 400 and 4 * 288 < width < 4 * 320


def test_evit(cli, weights, tmp_path):
    done = cli("tokens", IMAGE, "--weights", weights["evit"], "--model", "evit", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "grace_hopper_tokens.png").height < 400


@pytest.mark.parametrize("carried", [False, True])
def test_a_depth_model_sees_what_predict_shows_it(
    cli, demo_config, demo_checkpoint, checkpoint_with_config, tmp_path, carried
):
    given = [checkpoint_with_config] if carried else [demo_checkpoint, "--config", demo_config]
    done = cli("tokens", IMAGE, "--layers", "all", "--out", tmp_path, "--weights", *given)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "grace_hopper_tokens.png").height > 336


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["WEIGHTS", "--config", "demo_rooms", "--keep-rate", "0.5"], "--keep-rate: is for a backbone alone"),
        (["WEIGHTS", "--cfg-options", "keep_rate=0.5"], "--cfg-options: cannot change the config in a file"),
        (["WEIGHTS", "--model", "evit", "--selection", "shared"], "--selection: is for a ToSA"),
        (["WEIGHTS", "--layers", "2", "all"], "expected numbers of layers, or all; got '2 all'"),
        (["WEIGHTS", "--layers", "two"], "expected numbers of layers, or all; got 'two'"),
        (["none.pth"], "none.pth: no such checkpoint file"),
        (["WEIGHTS", "--keep-rate", "0"], "'--keep-rate': 0.0 is not in the range 0<x<=1"),
        (["WEIGHTS", "--device", "cuda:77"], "device 'cuda:77': is not on this machine"),
        (["w.pth", "--config", "none.py"], "none.py: there is no such config"),
    ],
)
def test_bad_options(cli, weights, options, message, tmp_path):
    options = [weights["tosa"] if option == "WEIGHTS" else option for option in options]
    done = cli("tokens", IMAGE, "--out", tmp_path / "out", "--weights", *options)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_layer_or_size_that_is_not_there(cli, weights, tmp_path):
    for option, message in (
        (("--layers", "3"), "error: layer 3: every"),
        (("--img-size", "8"), "8 is not in the range 16"),
    ):
        done = cli("tokens", IMAGE, "--weights", weights["tosa"], "--out", tmp_path, *option)
        assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1


def test_an_image_that_is_too_long_to_draw_is_left_out(cli, weights, tmp_path):
    Image.new("RGB", (5000, 1)).save(tmp_path / "line.png")
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    arguments = ("--weights", weights["tosa"], "--img-size", 32, "--out", tmp_path / "out")
    done = cli("tokens", tmp_path / "line.png", tmp_path / "a.png", *arguments)
    assert done.returncode == 1
    assert "line.png: 5000x1 px become 160000x32 px for the network, more than 4.2 million" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_tokens.png"]


def test_an_image_is_not_overwritten(cli, weights, tmp_path):
    for name in ("x.png", "x_tokens.png"):
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    done = cli("tokens", tmp_path, "--weights", weights["tosa"], "--out", tmp_path)
    assert done.returncode == 2 and "x_tokens.png: is one of the inputs" in done.stderr
