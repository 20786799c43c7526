import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for i in range(2):
        Image.fromarray(draw.integers(0, 256, (96, 128, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    return folder


def test_a_trained_model(cli, images, demo_checkpoint, tmp_path):
    (images / "broken.jpg").write_bytes(b"no image")
    given = ["--config", "demo_rooms", "--weights", demo_checkpoint, "--device", "cpu"]
    done = cli("evaluate-selection", *given, "--images", images, "--keep-rates", 0.5, "--json", tmp_path / "r.json")
    assert done.returncode == 1, done.stderr
    assert f"error: {images / 'broken.jpg'}" in done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["images"], report["skipped"], report["device"]) == (2, 1, "cpu")
    assert [one["name"] for one in report["results"]][:4] == [
        "dense", "keep rate 1.0", "keep rate 0.5", "tokens at random",
    ]  # fmt: skip
    assert report["results"][1]["size"]["mean"] == 0


def test_a_published_model(cli, images, tiny_zoo):
    name = "depth-anything-v2-small"
    given = ["--model", name, "--weights", tiny_zoo(name), "--device", "cpu", "--images", images / "0.png"]
    selecting = ["--keep-rates", "0.3,0.6", "--selective-layers", "1,3"]
    done = cli("evaluate-selection", *given, *selecting, "--input-size", 84)
    assert done.returncode == 0, done.stderr
    assert "token selective: layers 1,3 of 4, shared" in done.stdout and "keep rate (0.3, 0.6)" in done.stdout
    assert "of the range of the dense disparity" in done.stdout and "network input 84x112" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weights", "W", "--config", "demo_rooms"], "Missing option '--images'"),
        (["--images", "IMAGES"], "Missing option '--model' or '--weights'"),
        (["--images", "IMAGES", "--weights", "W", "--input-size", "84"], "--input-size"),
        (["--images", "EMPTY", "--weights", "W"], "no images in this folder; expected"),
        (["--images", "nowhere", "--weights", "W"], "nowhere: no such file or folder"),
        (["--images", "IMAGES", "--model", "depth-anything-v3-small"], "did you mean depth-anything-v"),
        (["--images", "IMAGES", "--weights", "W", "--keep-rates", "half"], "'half': expected a number, or numbers"),
        (
            ["--images", "IMAGES", "--weights", "W", "--config", "demo_rooms", "--keep-rates", "0"],
            "'0': expected a number, or numbers above 0 and at most 1",
        ),
        (
            ["--images", "IMAGES", "--weights", "W", "--config", "demo_rooms", "--selective-layers", "1"],
            "selective_layers=(1,): this model is a ToSA with selective_layers=",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_said(cli, arguments, message, images, demo_checkpoint, tmp_path):
    (tmp_path / "empty").mkdir()
    places = {"IMAGES": images, "EMPTY": tmp_path / "empty", "W": demo_checkpoint}
    done = cli("evaluate-selection", *[places.get(one, one) for one in arguments], "--device", "cpu")
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_on_real_images_a_lower_keep_rate_changes_more(cli, rgbd_root, tmp_path, deit_tiny_weights):
    """Untrained decoder, trained backbone: the order is that of the backbone's maps."""
    import torch

    from depthkit.registry import MODELS, depthkit_scope
    from depthkit.utils.config import load_config

    config = load_config("nyu_deit_tiny", {"model.backbone.pretrained": str(deit_tiny_weights)})
    with depthkit_scope():
        torch.manual_seed(0)
        model = MODELS.build(config.model)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    scenes = [next(iter(sorted(scene.glob("rgb_*.jpg")))) for scene in sorted(rgbd_root.iterdir()) if scene.is_dir()]
    given = ["--config", "nyu_deit_tiny", "--weights", tmp_path / "w.pth", "--device", "cpu"]
    given += ["--images", *scenes, "--cfg-options", "img_size=(112,152)"]
    done = cli("evaluate-selection", *given, "--json", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    found = {one["keep_rate"]: one["size"]["mean"] for one in json.loads((tmp_path / "r.json").read_text())["results"]
             if one["kind"] == "selection"}  # fmt: skip
    assert 0 == found[1.0] < found[0.7] < found[0.5] < found[0.25]
