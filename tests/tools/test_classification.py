"""tools/train.py and tools/test.py on the ImageNet configs, as a user runs them: real pictures, real weights."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

import depthkit.models  # noqa: F401 (registers)
from depthkit.registry import MODELS
from depthkit.utils.config import load_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FEW = ["workers=0", "batch_size=4"]


@pytest.fixture(autouse=True)
def own_scope() -> None:
    yield
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope="session")
def pictures(shared_data: Path) -> Path:
    return shared_data / "imagenet" / "val"


def scalars(folder: Path) -> list[dict]:
    files = sorted(folder.glob("*/vis_data/scalars.json"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_timms_weights_are_tested_as_they_are(call_tool, pictures, deit_tiny_weights, tmp_path):
    out = tmp_path / "results.json"
    options = ["--device", "cpu", "--cfg-options", f"val_root={pictures}", *FEW, "test_dataloader.dataset.indices=24"]
    result = call_tool("test", CONFIGS / "in1k_deit_tiny.py", deit_tiny_weights, "--out", out, *options)
    assert result.returncode == 0, result.stderr
    content = json.loads(out.read_text())
    assert set(content) == {
        *("transform", "images", "skipped", "metrics", "images_per_second", "device", "processes"),
        *("config", "checkpoint"),
    }
    assert list(content["metrics"]) == ["top1", "top5"]
    assert content["images"] == 24 and content["metrics"]["top1"] > 60
    assert "resize to 256 px (shorter side, bicubic" in content["transform"]
    assert content["transform"] in result.stdout and f"{content['metrics']['top1']:.4f}" in result.stdout

    # EViT with the same weights at a higher resolution, in one option; a broken picture is named and counted.
    folder = tmp_path / "val" / "n01440764"
    folder.mkdir(parents=True)
    whole = next((pictures / "n01440764").iterdir()).read_bytes()
    (folder / "a.JPEG").write_bytes(whole)
    (folder / "b.JPEG").write_bytes(whole[:5000])
    options = ["--device", "cpu", "--cfg-options", f"val_root={folder.parent}", *FEW, "img_size=288", "keep_rate=0.5"]
    result = call_tool("test", CONFIGS / "in1k_evit_tiny.py", deit_tiny_weights, "--out", out, *options)
    assert result.returncode == 0, result.stderr
    content = json.loads(out.read_text())
    assert (content["images"], content["skipped"]) == (1, 1)
    assert "resize to 329 px" in content["transform"]
    assert "images      1 (1 unreadable skipped)" in result.stdout
    assert f"{folder / 'b.JPEG'}: is not a whole picture" in result.stdout + result.stderr


def test_fine_tuning_shows_the_keep_rate_and_is_resumed(call_tool, pictures, tmp_path):
    options = [
        "--device", "cpu", "--work-dir", tmp_path / "ft", "--cfg-options", f"data_root={pictures}",
        f"val_root={pictures}", "hold_out_every=3", "pretrained=None", *FEW, "img_size=64",
        "model.backbone.embed_dim=48", "model.cls_head.in_channels=48", "model.backbone.depth=7",
        "num_repeats=1", "default_hooks.logger.interval=1", "train_dataloader.dataset.indices=16",
        "val_dataloader.dataset.indices=4", "max_epochs=2", "annealing=(0.0,0.5)",
    ]  # fmt: skip
    result = call_tool("train", CONFIGS / "in1k_evit_tiny_ft.py", *options)
    assert result.returncode == 0, result.stderr
    (tmp_path / "ft" / "epoch_2.pth").unlink()  # as if it had been stopped before
    result = call_tool("train", CONFIGS / "in1k_evit_tiny_ft.py", "--resume", *options)
    assert result.returncode == 0, result.stderr
    lines = scalars(tmp_path / "ft")
    trained = [line for line in lines if "loss_classes" in line]
    assert [line["step"] for line in trained] == [1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8]
    steps = {line["step"]: line for line in trained}
    assert steps[1]["keep_rate"] == 1.0 and steps[3]["keep_rate"] == pytest.approx(0.85)
    assert steps[8]["keep_rate"] == pytest.approx(0.7)
    assert [line["images"] for line in lines if "top1" in line] == [4, 4, 4]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("data_root=/nowhere", "/nowhere: no such folder"),
        ("keep_rate=0.0", "keep_rate=0.0"),
        ("model.cls_head.num_classes=10", "does not fit a head of 10 classes"),
        ("img_size=0", "img_size=0"),
        ("annealing=(0.5,0.2)", "KeepRateHook"),
        ("num_repeats=0", "num_repeats=0"),
        ("batch_size=3", "the batch has 3"),
        ("model.backbone.keep_rat=0.5", "keep_rat"),
    ],
)
def test_bad_input_of_training_is_one_sentence(call_tool, pictures, deit_tiny_weights, tmp_path, option, message):
    options = [
        "--device", "cpu", "--work-dir", tmp_path, "--cfg-options", f"data_root={pictures}", f"val_root={pictures}",
        f"pretrained={deit_tiny_weights}", *FEW, "img_size=32", "train_dataloader.dataset.indices=12", option,
    ]  # fmt: skip
    result = call_tool("train", CONFIGS / "in1k_evit_tiny_ft.py", *options)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("break_it", ["foreign", "empty", "corrupt"])
def test_bad_pictures_are_one_sentence(call_tool, pictures, deit_tiny_weights, tmp_path, break_it):
    folder = tmp_path / "train" / "n01440764"
    folder.mkdir(parents=True)
    whole = next((pictures / "n01440764").iterdir()).read_bytes()
    for i in range(4):
        (folder / f"{i}.JPEG").write_bytes(whole[:5000] if break_it == "corrupt" else whole)
    if break_it == "foreign":
        folder.rename(folder.with_name("cats"))
    if break_it == "empty":
        (folder.parent / "n01443537").mkdir()
    options = ["--device", "cpu", "--work-dir", tmp_path / "w", "--cfg-options", f"data_root={folder.parent}",
               f"val_root={pictures}", f"pretrained={deit_tiny_weights}", *FEW, "img_size=32"]  # fmt: skip
    result = call_tool("train", CONFIGS / "in1k_evit_tiny_ft.py", *options)
    message = {"foreign": "'cats' is no class", "empty": "n01443537: this class is empty", "corrupt": ".JPEG: is not a"}
    assert result.returncode == 2, result.stderr
    assert message[break_it] in result.stderr and "Traceback" not in result.stderr


def test_options_of_depth_models_are_refused(call_tool, pictures, deit_tiny_weights):
    options = ["--cfg-options", f"val_root={pictures}"]
    for option in (["--flip"], ["--protocol", "eigen"], ["--save-dir", "x"]):
        result = call_tool("test", CONFIGS / "in1k_deit_tiny.py", deit_tiny_weights, *option, *options)
        assert result.returncode == 2 and "is not of a depth model" in result.stderr


def test_the_names_beside_the_depth_map(call_tool, pictures, deit_tiny_weights, tmp_path):
    config = CONFIGS / "depth_and_classes_tiny.py"
    DefaultScope.get_instance("test_classification", scope_name="depthkit")
    model = MODELS.build(load_config(config, {"pretrained": str(deit_tiny_weights)}).model)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    photo = next((pictures / "n01484850").iterdir())  # a great white shark
    common = [photo, "--checkpoint", tmp_path / "w.pth", "--out", tmp_path / "out"]
    size = ["--cfg-options", "img_size=(224,304)"]
    result = call_tool("predict", *common, "--classes", "--config", config, *size)
    assert result.returncode == 0, result.stderr
    names = [line for line in result.stdout.splitlines() if " %  " in line]
    assert len(names) == 5 and "great white shark" in names[0]
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert " %  " not in call_tool("predict", *common, "--config", config, *size).stdout


def test_names_from_a_model_without_classes(call_tool, pictures, tmp_path):
    config = CONFIGS / "demo_rooms.py"
    DefaultScope.get_instance("test_classification", scope_name="depthkit")
    torch.save(MODELS.build(load_config(config).model).state_dict(), tmp_path / "w.pth")
    photo = next((pictures / "n01484850").iterdir())
    common = ["--config", config, "--checkpoint", tmp_path / "w.pth", "--out", tmp_path / "out"]
    result = call_tool("predict", photo, "--classes", *common)
    assert result.returncode == 2 and "this model has no classifier" in result.stderr
