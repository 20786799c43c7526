"""The configs that come with depthkit: each loads, its settings reach all they should, and its model runs."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

import depthkit.datasets
import depthkit.engine
import depthkit.models  # noqa: F401 (registers)
from depthkit.datasets.sample import make_sample
from depthkit.errors import InputError
from depthkit.registry import MODELS, TRANSFORMS
from depthkit.utils.camera import focal_intrinsics
from depthkit.utils.config import config_from_plain, config_to_plain, load_config
from depthkit.utils.config_files import list_configs
from helpers import CONFIGS, REPOSITORY

NAMES = sorted(path.stem for path in CONFIGS.glob("*.py") if path.stem != "default_runtime")
WITHOUT_LABELS = [name for name in NAMES if name.startswith(("tosa_selector", "tosa_finetune"))]
CLASSES = [name for name in NAMES if name.startswith("in1k_")]
DISTILLED = [name for name in NAMES if name.startswith("distill_depth_")]
DEPTH = [name for name in NAMES if name not in (*WITHOUT_LABELS, *CLASSES, *DISTILLED)]
MIXED = "rooms_deit_tiny"  # of several data sets, with a schedule of its own
TINY = [name for name in NAMES if "small" not in name and name != "rgbd_folder"]  # a small model takes seconds to make


@pytest.fixture
def scope() -> Iterator[None]:
    with DefaultScope.overwrite_default_scope("depthkit"):
        yield


def test_the_names_of_the_readme_are_there_and_all_are_listed() -> None:
    forms = [f"{task}_{kind}_{{}}" for task in ("nyu", "in1k") for kind in ("deit", "evit", "tosa")]
    forms += ["nyu_tosa_{}_shared", "nyu_tosa_{}_even", "in1k_evit_{}_ft", "tosa_selector_{}", "tosa_finetune_{}"]
    forms += ["distill_depth_tosa_{}"]
    names = {form.format(size) for form in forms for size in ("tiny", "small")}
    assert names | {MIXED, "rgbd_folder", "demo_rooms", "depth_and_classes_tiny"} == set(NAMES)
    assert [config.name for config in list_configs()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_plain_mmengine_reads_the_same_and_so_does_a_checkpoint(name: str) -> None:
    config = load_config(name)
    assert config.to_dict() == Config.fromfile(CONFIGS / f"{name}.py").to_dict()
    assert config_from_plain(config_to_plain(config), name).to_dict() == config.to_dict()


@pytest.mark.parametrize("config", list_configs(), ids=lambda config: config.name)
def test_opens_with_what_it_is_and_command_hardware_time_result(config) -> None:
    comment = re.match(r"(#.*\n)*", config.path.read_text())[0]
    assert re.fullmatch(r"[^.].{20,110}\.", config.title)
    assert f"# Command: depthkit train {config.name}" in comment
    assert re.search(r"# Hardware.* [Tt]ime", comment)
    assert re.search(r"not yet run|\d", config.result)
    assert len(config.path.read_text().splitlines()) <= 50


@pytest.mark.parametrize("name", [name for name in DEPTH if name != MIXED])
def test_every_setting_of_depth_reaches_all_that_depends_on_it(name: str) -> None:
    settings = {"img_size": (64, 96), "batch_size": 3, "max_epochs": 2, "pretrained": "w.pth", "workers": 0}
    config = load_config(name, {**settings, "data_root": "/mnt/somewhere", "ema": 0.001, "schedule": "cosine"})
    if name != "demo_rooms":
        assert config.train_dataloader.dataset.data_root == "/mnt/somewhere"
        assert config.val_dataloader.dataset.data_root == "/mnt/somewhere"
        assert config.test_dataloader.dataset.data_root == "/mnt/somewhere"
        assert tuple(config.train_dataloader.dataset.pipeline[1].size) == (64, 96)
    assert tuple(config.test_dataloader.dataset.pipeline[0].size) == (64, 96)
    assert tuple(config.test_pipeline[0].size) == (64, 96)
    assert config.train_dataloader.batch_size == 3
    assert config.train_dataloader.num_workers == 0 and not config.train_dataloader.persistent_workers
    assert config.train_cfg.max_epochs == 2
    assert config.param_scheduler[-1].type == "CosineAnnealingLR"
    assert {"type": "EMAHook", "momentum": 0.001} in config.custom_hooks
    # A classifier's weights are of backbone and head.
    assert (config.model if name == "depth_and_classes_tiny" else config.model.backbone).pretrained == "w.pth"
    if name.startswith("nyu_tosa"):
        backbone = load_config(name, {"keep_rate": 0.7, "selection": "shared"}).model.backbone
        assert (backbone.type, backbone.keep_rate, backbone.selection) == ("ToSA", 0.7, "shared")


def test_every_setting_of_mixed_data_reaches_all_that_depends_on_it() -> None:
    settings = {"img_size": (64, 96), "batch_size": 3, "max_epochs": 8, "pretrained": "w.pth", "workers": 0}
    settings |= {"data_root": "/mnt/x", "cache": "/mnt/rooms", "rooms": 50, "repeats": 4, "pairs": [1, 5], "ema": 0.1}
    config = load_config(MIXED, settings)
    rooms, repeated = config.train_dataloader.dataset.datasets
    test = config.test_dataloader.dataset
    assert rooms.textures == test.textures == ["/mnt/x/*/*.jpg"]
    own = load_config(MIXED, {"textures": []})
    assert own.train_dataloader.dataset.datasets[0].textures == own.test_dataloader.dataset.textures == []
    assert (rooms.length, rooms.cache, test.cache) == (50, "/mnt/rooms", "/mnt/rooms_test")
    assert (rooms.seed, rooms.size) != (test.seed, rooms.size) == (test.seed, test.size)
    assert (repeated.times, repeated.dataset.data_root, repeated.dataset.indices) == (4, "/mnt/x", [1, 5])
    for dataset in (rooms, repeated.dataset):
        assert tuple(dataset.pipeline[0].size) == (72, 108)
        assert tuple(dataset.pipeline[2].size) == (64, 96)
    assert config.val_dataloader == config.test_dataloader
    assert tuple(test.pipeline[0].size) == (64, 96) and config.test_pipeline[0] == test.pipeline[0]
    assert config.train_dataloader.batch_size == 3 and config.train_dataloader.num_workers == 0
    assert config.model.canonical_focal == pytest.approx(518.8579 * 64 / 480)
    assert (config.model.backbone.pretrained, tuple(config.model.backbone.img_size)) == ("w.pth", (64, 96))
    assert config.train_cfg.max_epochs == config.param_scheduler[-1].end == 8
    assert {"type": "EMAHook", "momentum": 0.1} in config.custom_hooks


@pytest.mark.parametrize("name", WITHOUT_LABELS)
def test_every_setting_without_labels_reaches_all_that_depends_on_it(name: str) -> None:
    settings = {"img_size": (64, 96), "batch_size": 3, "max_epochs": 2, "workers": 0, "selection": "per_head"}
    weights = {"teacher": "w.pth"} if "finetune" in name else {"pretrained": "w.pth"}
    config = load_config(name, {**settings, **weights, "data_root": "/mnt/x", "hold_out_every": 5, "keep_rate": 0.7})
    for loader in (config.train_dataloader, config.val_dataloader):
        assert loader.dataset.data_root == "/mnt/x" and loader.dataset.hold_out_every == 5
        assert loader.batch_size == 3 and loader.num_workers == 0 and not loader.persistent_workers
        assert tuple(loader.dataset.pipeline[0].size) == (73, 110)  # 1 / 0.875 of the crop
    assert tuple(config.train_dataloader.dataset.pipeline[1].size) == (64, 96)
    assert tuple(config.val_dataloader.dataset.pipeline[1].crop_size) == (96, 64)  # mmcv: width, height
    backbone = config.model.backbone
    assert (backbone.keep_rate, backbone.selection, backbone.pretrained) == (0.7, "per_head", "w.pth")
    assert config.train_cfg.max_epochs == 2
    if "finetune" in name:
        assert config.model.teacher.pretrained == "w.pth"
        assert load_config(name, {"teacher": "w.pth", "pretrained": "s.pth"}).model.backbone.pretrained == "s.pth"


@pytest.mark.parametrize("name", DISTILLED)
def test_every_setting_of_distillation_reaches_all_that_depends_on_it(name: str) -> None:
    settings = {"img_size": (64, 96), "batch_size": 3, "max_epochs": 2, "workers": 0, "selection": "per_head"}
    settings |= {"keep_rate": 0.7, "hold_out_every": 5, "data_root": "/mnt/x", "pretrained": "s.pth", "ema": 0.001}
    config = load_config(name, {**settings, "teacher": "dpt-large", "teacher_weights": "w.pth"})
    for loader in (config.train_dataloader, config.val_dataloader):
        assert loader.dataset.data_root == "/mnt/x" and loader.dataset.hold_out_every == 5
        assert loader.dataset.skip_damaged
        assert loader.batch_size == 3 and loader.num_workers == 0 and not loader.persistent_workers
        assert tuple(loader.dataset.pipeline[0].size) == (64, 96)
    assert tuple(config.train_dataloader.dataset.pipeline[1].size) == (64, 96)
    assert config.test_pipeline[0].size == 64
    assert config.model.teacher == dict(type="DepthTeacher", model="dpt-large", weights="w.pth")
    backbone = config.model.backbone
    assert (backbone.keep_rate, backbone.selection, backbone.pretrained) == (0.7, "per_head", "s.pth")
    assert (backbone.embed_dim, backbone.num_heads) == ((192, 3) if "tiny" in name else (384, 6))
    assert {"type": "EMAHook", "momentum": 0.001} in config.custom_hooks
    head, names = config.model.decode_head, ["ScaleShiftInvariantLoss", "AlignedGradientLoss"]
    assert (config.model.output, head.max_depth, [loss.type for loss in head.losses]) == ("disparity", 1.0, names)
    assert config.model.canonical_focal is None
    metres = {"metric": True, "max_depth": 80.0, "gradient_weight": 0.7}
    model = load_config(name, metres).model
    assert (model.output, model.decode_head.max_depth, model.decode_head.losses[1].loss_weight) == ("depth", 80.0, 0.7)
    assert [loss.type for loss in model.decode_head.losses] == ["ScaleInvariantLogLoss", "GradientLoss"]
    assert model.canonical_focal == load_config("nyu_tosa_tiny", {"img_size": (288, 384)}).model.canonical_focal
    assert load_config(name, {**metres, "canonical_focal": None}).model.canonical_focal is None


@pytest.mark.parametrize("name", DISTILLED)
def test_a_distilled_student_sees_images_as_one_that_learns_from_labels_does(name: str) -> None:
    settings = {"img_size": (64, 96)}
    alone, distilled = load_config("nyu_tosa_tiny_shared", settings), load_config(name, settings)
    assert distilled.train_dataloader.dataset.pipeline == alone.train_dataloader.dataset.pipeline
    assert distilled.train_dataloader.batch_size == alone.train_dataloader.batch_size


@pytest.mark.parametrize("name", CLASSES)
def test_every_setting_of_classification_reaches_all_that_depends_on_it(name: str) -> None:
    settings = {"img_size": 288, "batch_size": 4, "max_epochs": 9, "pretrained": "w.pth", "workers": 0}
    settings |= {"drop_path": 0.2, "lr": 1e-4, "ema": 0.1, "hold_out_every": 3, "data_root": "/x", "val_root": "/y"}
    config = load_config(name, settings)
    train, test = config.train_dataloader, config.test_dataloader
    assert (train.dataset.data_root, train.dataset.split, train.batch_size) == ("/x", "train", 4)
    assert (test.dataset.data_root, test.dataset.split, test.dataset.test_mode) == ("/y", "val", True)
    assert config.val_dataloader == test
    assert train.dataset.pipeline[0].img_size == test.dataset.pipeline[0].img_size == 288
    assert (config.model.backbone.img_size, config.model.backbone.drop_path_rate) == (288, 0.2)
    assert config.model.pretrained == "w.pth"
    assert config.train_cfg.max_epochs == config.param_scheduler[-1].end == 9
    assert config.optim_wrapper.optimizer.lr == 1e-4
    assert {"type": "EMAHook", "momentum": 0.1} in config.custom_hooks
    assert any(hook.type == "KeepRateHook" for hook in config.custom_hooks) == ("evit" in name)
    assert config.auto_scale_lr == dict(base_batch_size=1024, enable=True)
    if "evit" in name or "tosa" in name:
        assert load_config(name, {"keep_rate": 0.6}).model.backbone.keep_rate == 0.6


def test_an_unknown_schedule_is_one_sentence() -> None:
    with pytest.raises(InputError, match="nyu_tosa_small.py: schedule='foo': expected one_cycle or cosine$"):
        load_config("nyu_tosa_small", {"schedule": "foo"})


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("nyu_", "in1k_"))])
def test_the_names_say_what_the_backbone_is(name: str) -> None:
    backbone = load_config(name).model.backbone
    assert backbone.type.lower() == name.split("_")[1]
    assert (backbone.embed_dim, backbone.num_heads) == ((192, 3) if "tiny" in name else (384, 6))
    if name.startswith("nyu_tosa"):
        assert backbone.selection == ("shared" if name.endswith(("shared", "even")) else "per_head")
        assert (backbone.get("skipped") == "similar") == name.endswith("even")


@pytest.mark.parametrize("name", [name for name in DEPTH if name in TINY])
def test_the_model_gives_depth(name: str, scope: None) -> None:
    # As a checkpoint carries it.
    config = config_from_plain(config_to_plain(load_config(name, {"pretrained": None})), name)
    model = MODELS.build(config.model).eval()
    with torch.inference_mode():
        depth = model(torch.zeros(1, 3, 48, 72))
    depth = depth[0] if isinstance(depth, tuple) else depth
    assert depth.shape == (1, 1, 48, 72)
    assert depth.min() >= 1e-3 and depth.max() <= 10


@pytest.mark.parametrize("name", [name for name in CLASSES if name in TINY])
def test_the_model_gives_classes(name: str, scope: None) -> None:
    model = MODELS.build(load_config(name, {"pretrained": None}).model).eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)


def test_the_table_of_the_readme_has_every_config() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (CONFIGS / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(rows) == NAMES


@pytest.mark.slow
def test_the_wheel_carries_the_configs(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for folder in ("depthkit", "configs", "docs/models"):
        shutil.copytree(REPOSITORY / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(REPOSITORY / file, source)
    build = f"import setuptools.build_meta as b; b.build_wheel({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True)
    if "No module named 'setuptools'" in done.stderr:
        pytest.skip("needs setuptools to build a wheel")
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"depthkit/_cards/rooms-deit-tiny.md", "depthkit/_weights/rooms-deit-tiny.safetensors"} <= {*names}
    packaged = {name for name in names if name.startswith("depthkit/_configs/")}
    assert packaged == {f"depthkit/_configs/{path.relative_to(CONFIGS)}" for path in CONFIGS.rglob("*.py")}


@pytest.mark.parametrize("size", [(416, 544), (224, 304), (480, 640), (100, 333), (333, 100)])
@pytest.mark.parametrize("focal", [518.8579, 518.85790117])
def test_training_on_nyu_itself_does_not_change_with_the_canonical_focal_length(scope, size, focal) -> None:
    config = load_config("nyu_deit_tiny", {"img_size": size, "model.backbone.pretrained": None})
    plain = load_config("nyu_deit_tiny", {"img_size": size, "canonical_focal": None})
    assert config.model.canonical_focal == pytest.approx(518.8579 * max(size[0] / 480, size[1] / 640), rel=0.003)
    assert plain.model.canonical_focal is None
    rng = np.random.default_rng(0)
    image, depth = rng.integers(0, 256, (480, 640, 3), np.uint8), rng.uniform(1, 9, (480, 640)).astype(np.float32)
    sample = make_sample(image, "nyu", depth, focal_intrinsics(focal, (480, 640)))
    for step in config.train_pipeline:
        sample = TRANSFORMS.build(step | {"prob": 1.0} if "prob" in step else step)(sample)
    model = MODELS.build(config.model)
    truth = sample["data_samples"].gt_depth_map.data
    ratios = model._focal_ratios([sample["data_samples"]], truth)
    assert ratios.dtype == torch.float32 and ratios.item() == 1


@pytest.mark.parametrize("max_epochs", [1, 2, 5, 10, 11])
def test_the_rate_of_mixed_data_falls_before_the_end(max_epochs: int) -> None:
    falling = load_config(MIXED, {"max_epochs": max_epochs}).param_scheduler[-1]
    assert 0 <= falling.begin < falling.end == max_epochs


def test_averaged_weights_of_mixed_data_can_be_left_out() -> None:
    assert {"type": "EMAHook", "momentum": 0.1} in load_config(MIXED, {"ema": 0.1}).custom_hooks
    assert not [hook for hook in load_config(MIXED, {"ema": None}).custom_hooks if hook.type == "EMAHook"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule": "cosine"}, "schedule='cosine': this config has a schedule of its own; leave it out"),
        ({"decay_from": 10}, "decay_from=10: expected fewer epochs than max_epochs=10"),
    ],
)
def test_settings_that_mixed_data_cannot_have(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_config(MIXED, settings)
