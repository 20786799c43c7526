import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

import depthkit.datasets
import depthkit.engine
import depthkit.models  # noqa: F401 (registers)
from depthkit.registry import MODELS
from depthkit.utils.config import load_config

FOLDER = Path(__file__).resolve().parent.parent / "configs"
CONFIGS = sorted(FOLDER.glob("*.py"))
WITHOUT_LABELS = [path for path in CONFIGS if path.name.startswith(("tosa_selector", "tosa_finetune"))]
CLASSES = [path for path in CONFIGS if path.name.startswith("in1k_")]
DEPTH = [path for path in CONFIGS if path not in (*WITHOUT_LABELS, *CLASSES)]
NYU = [path for path in CONFIGS if path.name.startswith("nyu_")]


def name(path: Path) -> str:
    return path.stem


@pytest.fixture
def scope() -> None:
    DefaultScope.get_instance("test_configs", scope_name="depthkit")


def test_all_of_them_are_there() -> None:
    nyu = {f"nyu_{kind}_{size}" for kind in ("deit", "evit", "tosa") for size in ("tiny", "small")}
    assert {path.stem for path in CONFIGS} >= {
        *nyu,
        "nyu_tosa_tiny_shared",
        "nyu_tosa_small_shared",
        "rgbd_folder",
        "demo_rooms",
        "depth_and_classes_tiny",
        *(f"in1k_{kind}_{size}" for kind in ("deit", "evit", "tosa") for size in ("tiny", "small")),
        *(f"in1k_evit_{size}_ft" for size in ("tiny", "small")),
        *(f"tosa_{kind}_{size}" for kind in ("selector", "finetune") for size in ("tiny", "small")),
    }


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_plain_mmengine_reads_the_same(path: Path) -> None:
    assert load_config(path).to_dict() == Config.fromfile(path).to_dict()


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_one_screen_that_opens_with_command_hardware_time_and_result(path: Path) -> None:
    text = path.read_text()
    comment = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    assert text.startswith("# ")
    assert f"python tools/train.py configs/{path.name}" in comment
    assert "Hardware" in comment
    assert re.search(r"not yet run|\d", comment)
    assert len(text.splitlines()) <= 70


@pytest.mark.parametrize("path", DEPTH, ids=name)
def test_every_knob_reaches_all_that_depends_on_it(path: Path) -> None:
    knobs = {"img_size": (64, 96), "batch_size": 3, "max_epochs": 2, "pretrained": "w.pth", "workers": 0}
    config = load_config(path, {**knobs, "data_root": "/mnt/somewhere"})
    if path.stem != "demo_rooms":
        assert config.train_dataloader.dataset.data_root == "/mnt/somewhere"
        assert config.val_dataloader.dataset.data_root == "/mnt/somewhere"
        assert config.test_dataloader.dataset.data_root == "/mnt/somewhere"
        assert tuple(config.train_dataloader.dataset.pipeline[1].size) == (64, 96)
    assert tuple(config.test_dataloader.dataset.pipeline[0].size) == (64, 96)
    assert tuple(config.test_pipeline[0].size) == (64, 96)
    assert config.train_dataloader.batch_size == 3
    assert config.train_dataloader.num_workers == 0 and not config.train_dataloader.persistent_workers
    assert config.train_cfg.max_epochs == 2
    # A classifier's weights are of backbone and head.
    assert (config.model if path.stem == "depth_and_classes_tiny" else config.model.backbone).pretrained == "w.pth"


@pytest.mark.parametrize("path", WITHOUT_LABELS, ids=name)
def test_the_knobs_without_labels(path: Path) -> None:
    knobs = {"img_size": (64, 96), "batch_size": 3, "max_epochs": 2, "workers": 0, "selection": "per_head"}
    weights = {"teacher": "w.pth"} if "finetune" in path.stem else {"pretrained": "w.pth"}
    config = load_config(path, {**knobs, **weights, "data_root": "/mnt/x", "hold_out_every": 5, "keep_rate": 0.7})
    for loader in (config.train_dataloader, config.val_dataloader):
        assert loader.dataset.data_root == "/mnt/x" and loader.dataset.hold_out_every == 5
        assert loader.batch_size == 3 and loader.num_workers == 0 and not loader.persistent_workers
        assert tuple(loader.dataset.pipeline[0].size) == (73, 110)  # 1 / 0.875 of the crop
    assert tuple(config.train_dataloader.dataset.pipeline[1].size) == (64, 96)
    assert tuple(config.val_dataloader.dataset.pipeline[1].crop_size) == (96, 64)  # mmcv: width, height
    backbone = config.model.backbone
    assert (backbone.keep_rate, backbone.selection, backbone.pretrained) == (0.7, "per_head", "w.pth")
    assert config.train_cfg.max_epochs == 2
    if "finetune" in path.stem:
        assert config.model.teacher.pretrained == "w.pth"
        assert load_config(path, {"teacher": "w.pth", "pretrained": "s.pth"}).model.backbone.pretrained == "s.pth"


@pytest.mark.parametrize("kind", ["selector", "finetune"])
def test_small_differs_from_tiny_in_size_only(kind: str) -> None:
    tiny, small = (load_config(FOLDER / f"tosa_{kind}_{size}.py").to_dict() for size in ("tiny", "small"))
    for config, dim, heads in ((tiny, 192, 3), (small, 384, 6)):
        for place in (
            config["model"]["backbone"],
            config["model"].get("teacher", {}),
            config.get("dense", {}),
        ):
            if place:
                assert (place.pop("embed_dim"), place.pop("num_heads")) == (dim, heads)
    assert tiny == small


def test_ema_is_one_knob() -> None:
    config = load_config(FOLDER / "nyu_tosa_small.py", {"ema": 0.001})
    assert {"type": "EMAHook", "momentum": 0.001} in config.custom_hooks
    assert not any(hook.type == "EMAHook" for hook in load_config(FOLDER / "nyu_tosa_small.py").custom_hooks)


@pytest.mark.parametrize("path", NYU, ids=name)
def test_the_variants_differ_in_the_backbone_only(path: Path) -> None:
    config, flagship = load_config(path), load_config(FOLDER / "nyu_tosa_small.py")
    backbone = config.model.backbone
    assert backbone.type.lower() == path.stem.split("_")[1]
    assert tuple(backbone.out_indices) == tuple(flagship.model.backbone.out_indices)
    assert backbone.embed_dim == (192 if "tiny" in path.stem else 384)
    if "tosa" in path.stem:
        assert backbone.selection == ("shared" if "shared" in path.stem else "per_head")
    for same in (config, flagship):
        del same.model["backbone"], same.model.decode_head["in_channels"]
        same.pop("keep_rate", None)
    assert config.to_dict() == flagship.to_dict()


@pytest.mark.parametrize("path", DEPTH, ids=name)
def test_the_model_gives_depth(path: Path, scope: None) -> None:
    if "small" in path.stem or path.stem == "rgbd_folder":
        pytest.skip("the tiny ones stand for the small ones, which take seconds to make")
    config = load_config(path, {"pretrained": None})
    model = MODELS.build(config.model).eval()
    with torch.inference_mode():
        depth = model(torch.zeros(1, 3, 48, 72))
    depth = depth[0] if isinstance(depth, tuple) else depth
    assert depth.shape == (1, 1, 48, 72)
    assert depth.min() >= 1e-3 and depth.max() <= 10


@pytest.mark.parametrize("path", CLASSES, ids=name)
def test_the_knobs_of_classification(path: Path) -> None:
    knobs = {"img_size": 288, "batch_size": 4, "max_epochs": 9, "pretrained": "w.pth", "workers": 0, "drop_path": 0.2}
    knobs |= {"lr": 1e-4, "ema": 0.1, "hold_out_every": 3, "data_root": "/mnt/x", "val_root": "/mnt/y"}
    config = load_config(path, knobs)
    train, test = config.train_dataloader, config.test_dataloader
    assert (train.dataset.data_root, train.dataset.split, train.batch_size) == ("/mnt/x", "train", 4)
    assert (test.dataset.data_root, test.dataset.split, test.dataset.test_mode) == ("/mnt/y", "val", True)
    assert config.val_dataloader == test
    assert train.dataset.pipeline[0].img_size == test.dataset.pipeline[0].img_size == 288
    assert (config.model.backbone.img_size, config.model.backbone.drop_path_rate) == (288, 0.2)
    assert config.model.pretrained == "w.pth"
    assert config.train_cfg.max_epochs == config.param_scheduler[-1].end == 9
    assert config.optim_wrapper.optimizer.lr == 1e-4
    assert {"type": "EMAHook", "momentum": 0.1} in config.custom_hooks
    assert any(hook.type == "KeepRateHook" for hook in config.custom_hooks) == ("evit" in path.stem)
    assert config.auto_scale_lr == dict(base_batch_size=1024, enable=True)
    if "evit" in path.stem or "tosa" in path.stem:
        assert load_config(path, {"keep_rate": 0.6}).model.backbone.keep_rate == 0.6


@pytest.mark.parametrize("path", CLASSES, ids=name)
def test_the_model_gives_classes(path: Path, scope: None) -> None:
    if "small" in path.stem:
        pytest.skip("the tiny ones stand for the small ones, which take seconds to make")
    model = MODELS.build(load_config(path, {"pretrained": None}).model).eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)


@pytest.mark.parametrize("kind", ["deit", "evit", "tosa", "evit_ft"])
def test_small_classifiers_differ_from_tiny_in_size_only(kind: str) -> None:
    base, _, ft = kind.partition("_")
    names = (f"in1k_{base}_{size}{'_ft' if ft else ''}.py" for size in ("tiny", "small"))
    tiny, small = (load_config(FOLDER / name).to_dict() for name in names)
    for config, dim, heads in ((tiny, 192, 3), (small, 384, 6)):
        backbone = config["model"]["backbone"]
        assert (backbone.pop("embed_dim"), backbone.pop("num_heads")) == (dim, heads)
        assert config["model"]["cls_head"].pop("in_channels") == dim
    assert tiny == small
