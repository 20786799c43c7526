"""`depthkit train`, `test` and `predict` with ImageNet classes: real images, real weights."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

import depthkit.models  # noqa: F401 (registers)
from depthkit.registry import MODELS
from depthkit.utils.config import load_config
from helpers import CONFIGS

FEW = ["workers=0", "batch_size=4"]


@pytest.fixture(autouse=True)
def own_scope() -> None:
    yield
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope="session")
def images(shared_data: Path) -> Path:
    return shared_data / "imagenet" / "val"


def scalars(folder: Path) -> list[dict]:
    newest = max(folder.glob("*/vis_data/scalars.json"))
    return [json.loads(line) for line in newest.read_text().splitlines()]


@pytest.mark.slow
def test_timms_weights_are_tested_as_they_are(cli, images, deit_tiny_weights, tmp_path):
    out = tmp_path / "results.json"
    options = ["--device", "cpu", "--cfg-options", f"val_root={images}", *FEW, "test_dataloader.dataset.indices=24"]
    result = cli("test", deit_tiny_weights, "--config", "in1k_deit_tiny", "--json", out, *options)
    assert result.returncode == 0, result.stderr
    content = json.loads(out.read_text())
    assert set(content) == {
        *("transform", "images", "skipped", "metrics", "images_per_second", "device", "processes"),
        *("runtime", "precision", "config", "checkpoint"),
    }
    assert list(content["metrics"]) == ["top1", "top5"]
    assert content["images"] == 24 and content["metrics"]["top1"] > 60
    assert "resize to 256 px (shorter side, bicubic" in content["transform"]
    assert content["transform"] in result.stdout and f"{content['metrics']['top1']:.4f}" in result.stdout

    # EViT with the same weights at a higher resolution, in one option; a broken picture is named and counted.
    folder = tmp_path / "val" / "n01440764"
    folder.mkdir(parents=True)
    whole = next((images / "n01440764").iterdir()).read_bytes()
    (folder / "a.JPEG").write_bytes(whole)
    (folder / "b.JPEG").write_bytes(whole[:5000])
    options = ["--device", "cpu", "--cfg-options", f"val_root={folder.parent}", *FEW, "img_size=288", "keep_rate=0.5"]
    result = cli("test", deit_tiny_weights, "--config", "in1k_evit_tiny", "--json", out, *options)
    assert result.returncode == 0, result.stderr
    content = json.loads(out.read_text())
    assert (content["images"], content["skipped"]) == (1, 1)
    assert "resize to 329 px" in content["transform"]
    assert "images      1 (1 unreadable skipped)" in result.stdout
    assert f"{folder / 'b.JPEG'}: is damaged" in result.stdout + result.stderr


@pytest.mark.slow
def test_fine_tuning_shows_the_keep_rate_and_is_resumed(cli, images, tmp_path):
    options = [
        "--device", "cpu", "--out", tmp_path / "ft", "--cfg-options", f"data_root={images}",
        f"val_root={images}", "hold_out_every=3", "pretrained=None", *FEW, "img_size=64",
        "model.backbone.embed_dim=48", "model.cls_head.in_channels=48", "model.backbone.depth=7",
        "num_repeats=1", "default_hooks.logger.interval=1", "train_dataloader.dataset.indices=16",
        "val_dataloader.dataset.indices=4", "max_epochs=2", "annealing=(0.0,0.5)",
    ]  # fmt: skip
    result = cli("train", CONFIGS / "in1k_evit_tiny_ft.py", *options)
    assert result.returncode == 0, result.stderr
    (tmp_path / "ft" / "epoch_2.pth").unlink()  # as if it had been stopped before
    result = cli("train", CONFIGS / "in1k_evit_tiny_ft.py", "--resume", *options)
    assert result.returncode == 0, result.stderr
    lines = scalars(tmp_path / "ft")
    trained = [line for line in lines if "loss_classes" in line]
    assert [line["step"] for line in trained] == [1, 2, 3, 4, 5, 6, 7, 8]
    steps = {line["step"]: line for line in trained}
    assert steps[1]["keep_rate"] == 1.0 and steps[3]["keep_rate"] == pytest.approx(0.85)
    assert steps[8]["keep_rate"] == pytest.approx(0.7)
    assert [line["images"] for line in lines if "top1" in line] == [4, 4]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("data_root=/nowhere", "/nowhere: no such folder"),
        ("model.cls_head.num_classes=10", "does not fit a head of 10 classes"),
        ("annealing=(0.5,0.2)", "KeepRateHook"),
        ("num_repeats=0", "num_repeats=0"),
        ("batch_size=3", "the batch has 3"),
    ],
)
def test_bad_input_of_training_is_one_sentence(cli, images, deit_tiny_weights, tmp_path, option, message):
    options = [
        "--device", "cpu", "--out", tmp_path, "--cfg-options", f"data_root={images}", f"val_root={images}",
        f"pretrained={deit_tiny_weights}", *FEW, "img_size=32", "train_dataloader.dataset.indices=12", option,
    ]  # fmt: skip
    result = cli("train", CONFIGS / "in1k_evit_tiny_ft.py", *options)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("break_it", ["foreign", "empty", "corrupt"])
def test_bad_images_are_one_sentence(cli, images, deit_tiny_weights, tmp_path, break_it):
    folder = tmp_path / "train" / "n01440764"
    folder.mkdir(parents=True)
    whole = next((images / "n01440764").iterdir()).read_bytes()
    for i in range(4):
        (folder / f"{i}.JPEG").write_bytes(whole[:5000] if break_it == "corrupt" else whole)
    if break_it == "foreign":
        folder.rename(folder.with_name("cats"))
    if break_it == "empty":
        (folder.parent / "n01443537").mkdir()
    options = ["--device", "cpu", "--out", tmp_path / "w", "--cfg-options", f"data_root={folder.parent}",
               f"val_root={images}", f"pretrained={deit_tiny_weights}", *FEW, "img_size=32"]  # fmt: skip
    result = cli("train", CONFIGS / "in1k_evit_tiny_ft.py", *options)
    message = {
        "foreign": "'cats' is not a class",
        "empty": "n01443537: this class is empty",
        "corrupt": ".JPEG: is damaged",
    }
    assert result.returncode == 2, result.stderr
    assert message[break_it] in result.stderr and "Traceback" not in result.stderr


def test_options_of_depth_models_are_refused(cli, images, deit_tiny_weights):
    options = ["--cfg-options", f"val_root={images}"]
    for option in (["--flip"], ["--protocol", "eigen"], ["--save-dir", "x"]):
        result = cli("test", deit_tiny_weights, "--config", "in1k_deit_tiny", *option, *options)
        assert result.returncode == 2 and "is not of a depth model" in result.stderr


def test_the_names_beside_the_depth_map(cli, images, deit_tiny_weights, tmp_path):
    config = CONFIGS / "depth_and_classes_tiny.py"
    with DefaultScope.overwrite_default_scope("depthkit"):
        model = MODELS.build(load_config(config, {"pretrained": str(deit_tiny_weights)}).model)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    photo = next((images / "n01484850").iterdir())  # a great white shark
    common = [photo, "--weights", tmp_path / "w.pth", "--out", tmp_path / "out"]
    size = ["--cfg-options", "img_size=(224,304)"]
    result = cli("predict", *common, "--classes", "--config", config, *size)
    assert result.returncode == 0, result.stderr
    names = [line for line in result.stdout.splitlines() if " %  " in line]
    assert len(names) == 5 and "great white shark" in names[0]
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert " %  " not in cli("predict", *common, "--config", config, *size).stdout


def test_names_from_a_model_without_classes(cli, images, demo_config, demo_checkpoint, tmp_path):
    photo = next((images / "n01484850").iterdir())
    common = ["--config", demo_config, "--weights", demo_checkpoint, "--out", tmp_path / "out"]
    result = cli("predict", photo, "--classes", *common)
    assert result.returncode == 2 and "this model has no classifier" in result.stderr
