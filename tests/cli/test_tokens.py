"""tools/show_tokens.py as a user runs it: pictures of selections from weights and from a trained model."""

from pathlib import Path

import matplotlib.cbook
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from depthkit.models import EViT, ToSA
from depthkit.registry import MODELS
from depthkit.utils.config import load_config

PHOTO = Path(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
CONFIG = Path(__file__).parents[2] / "configs" / "demo_rooms.py"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> dict[str, Path]:
    """Files of weights, not trained: a ToSA-Tiny, an EViT-Tiny, and the demo's depth model."""
    folder = tmp_path_factory.mktemp("weights")
    init_default_scope("depthkit")
    models = {
        "tosa": ToSA(embed_dim=192, num_heads=3),
        "evit": EViT(embed_dim=192, num_heads=3, num_classes=0),
        "demo": MODELS.build(load_config(CONFIG).model),
    }
    for name, model in models.items():
        torch.save(model.state_dict(), folder / f"{name}.pth")
    return {name: folder / f"{name}.pth" for name in models}


def test_rows_of_heads_for_every_photo(call_tool, weights, tmp_path):
    (tmp_path / "empty.jpg").touch()
    done = call_tool(
        "show_tokens", PHOTO, tmp_path / "empty.jpg", "--weights", weights["tosa"], "--selection", "per_head",
        "--img-size", 100, "--out", tmp_path / "new" / "out",
    )  # fmt: skip
    assert done.returncode == 1 and "empty.jpg: is empty" in done.stderr
    (picture,) = (tmp_path / "new" / "out").iterdir()
    assert picture.name == "grace_hopper_tokens.png" and picture.name in done.stdout
    width, height = Image.open(picture).size
    # Of 512x600 px, 96x112 are whole patches. Four panels in four rows, at least 336 px high.
    assert 4 * 336 < height < 4 * 400 and 4 * 288 < width < 4 * 320


def test_evit(call_tool, weights, tmp_path):
    done = call_tool("show_tokens", PHOTO, "--weights", weights["evit"], "--model", "evit", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "grace_hopper_tokens.png").height < 400


def test_a_trained_depth_model_sees_what_predict_shows_it(call_tool, weights, tmp_path):
    done = call_tool(
        "show_tokens", PHOTO, "--config", CONFIG, "--checkpoint", weights["demo"], "--out", tmp_path, "--layers", "all"
    )
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "grace_hopper_tokens.png").height > 336


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "expected either --weights, or --config and --checkpoint"),
        (["--weights", "w.pth", "--config", "c.py"], "expected either --weights, or --config and --checkpoint"),
        (["--config", "c.py"], "expected either --weights, or --config and --checkpoint"),
        (["--config", "c.py", "--checkpoint", "w.pth", "--keep-rate", "0.5"], "--keep-rate goes with --weights"),
        (["--weights", "w.pth", "--cfg-options", "keep_rate=0.5"], "--cfg-options goes with --config"),
        (["--weights", "w.pth", "--model", "evit", "--selection", "shared"], "--selection is ToSA's"),
        (["--weights", "w.pth", "--layers", "2", "all"], "--layers: expected numbers, or all"),
        (["--weights", "w.pth", "--layers", "two"], "'two' is no number of a layer, nor 'all'"),
        (["--weights", "none.pth"], "none.pth: no such checkpoint file"),
        (["--weights", "w.pth", "--keep-rate", "0"], "keep_rate=0.0: expected numbers above 0 and at most 1"),
        (["--config", "none.py", "--checkpoint", "w.pth"], "none.py: there is no such config"),
    ],
)
def test_bad_options(call_tool, options, message, tmp_path):
    done = call_tool("show_tokens", PHOTO, "--out", tmp_path / "out", *options)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_layer_or_size_that_is_not_there(call_tool, weights, tmp_path):
    for option, message in ((("--layers", "3"), "error: layer 3: every"), (("--img-size", "8"), "error: image size 8")):
        done = call_tool("show_tokens", PHOTO, "--weights", weights["tosa"], "--out", tmp_path, *option)
        assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1


def test_a_photo_is_not_overwritten(call_tool, weights, tmp_path):
    for name in ("x.png", "x_tokens.png"):
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    done = call_tool("show_tokens", tmp_path, "--weights", weights["tosa"], "--out", tmp_path)
    assert done.returncode == 2 and "x_tokens.png: is one of the photos" in done.stderr
