from pathlib import Path

import pytest
from mmengine.config import Config

from depthkit.errors import InputError
from depthkit.utils.config import load_config

BASE = """# the data
data_root = "data/nyu"  # kept comment
img_size = (
    416,
    544,
)
batch_size = 8
train_dataloader = dict(batch_size=batch_size, dataset=dict(type="Pairs", data_root=data_root + "/train"))
pipeline = [dict(type="ResizeRGBD", size=img_size), dict(type="Pack")]
schedule = dict(steps=10, rates=dict(head=0.1))
"""
CHILD = """_base_ = "base/data.py"
pretrained = True
keep_rate = 0.5
model = dict(type="Depth", backbone=dict(type="ToSA", keep_rate=keep_rate, pretrained=pretrained))
test_size = _base_.img_size
"""


@pytest.fixture
def child(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "data.py").write_text(BASE)
    path = tmp_path / "child.py"
    path.write_text(CHILD)
    return path


def test_without_options_it_is_what_mmengine_reads(child: Path) -> None:
    assert load_config(child).to_dict() == Config.fromfile(child).to_dict()


def test_a_knob_reaches_what_is_computed_from_it_in_the_file_and_its_base(child: Path) -> None:
    config = load_config(
        child, {"data_root": "/mnt/it's here", "batch_size": 2, "img_size": (64, 96), "keep_rate": 0.7}
    )
    assert config.data_root == "/mnt/it's here"
    assert config.train_dataloader.dataset.data_root == "/mnt/it's here/train"
    assert config.train_dataloader.batch_size == 2
    assert tuple(config.pipeline[0].size) == (64, 96)
    assert tuple(config.test_size) == (64, 96)
    assert config.model.backbone.keep_rate == 0.7


def test_a_path_and_none_are_values_too(child: Path) -> None:
    config = load_config(child, {"data_root": Path("/mnt/nyu"), "pretrained": None})
    assert config.train_dataloader.dataset.data_root == "/mnt/nyu/train"
    assert config.model.backbone.pretrained is None


def test_a_plain_value_of_the_child_reaches_its_base_and_an_option_wins(child: Path) -> None:
    child.write_text(CHILD + "batch_size = 3\n")
    assert load_config(child).train_dataloader.batch_size == 3
    assert load_config(child, {"batch_size": 5}).train_dataloader.batch_size == 5


def test_dotted_options_are_merged(child: Path) -> None:
    options = {"model.backbone.keep_rate": 0.9, "pipeline.0.size": (32, 32), "schedule.rates.head": 1}
    config = load_config(child, options)
    assert config.model.backbone.keep_rate == 0.9
    assert tuple(config.pipeline[0].size) == (32, 32)
    assert config.schedule.rates.head == 1
    assert config.schedule.steps == 10


def test_a_new_argument_is_allowed_only_where_a_class_is_built(child: Path) -> None:
    assert load_config(child, {"model.backbone.score_rows": 4}).model.backbone.score_rows == 4
    with pytest.raises(InputError, match="'schedule.rates'"):
        load_config(child, {"schedule.rate": 1})


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("data_rot", "did you mean 'data_root'"),
        ("modell.backbone.keep_rate", "did you mean 'model'"),
        ("model.bakbone.keep_rate", "did you mean 'model.backbone'"),
        ("pipeline.7.size", "'pipeline' is a list of 2"),
        ("pipeline.size", "'pipeline' is a list of 2"),
        ("batch_size.x", "'batch_size' is the value 8"),
        ("zzz", "known here"),
    ],
)
def test_an_option_that_leads_nowhere_is_an_error_with_near_names(child: Path, key: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint) as caught:
        load_config(child, {key: 1})
    assert key in str(caught.value)
    assert "child.py" in str(caught.value)


def test_settings_of_the_runner_need_not_be_in_the_file(child: Path) -> None:
    assert load_config(child, {"load_from": "w.pth"}).load_from == "w.pth"


def test_name_and_text_are_of_the_users_file_and_nothing_is_left_behind(child: Path, monkeypatch) -> None:
    scratch = child.parent / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    config = load_config(child, {"batch_size": 2})
    assert config.filename == str(child)
    assert config.text == CHILD
    assert list(scratch.iterdir()) == []
    assert child.read_text() == CHILD
    config.dump(child.parent / "dumped.py")
    assert Config.fromfile(child.parent / "dumped.py").train_dataloader.batch_size == 2


def test_mmengines_file_variables_name_the_users_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("work_dir = 'runs/{{ fileBasenameNoExtension }}'\nhere = '{{fileDirname}}'\n")
    config = load_config(path)
    assert (config.work_dir, config.here) == ("runs/mine", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.py", None, "there is no such config"),
        ("c.yaml", "a: 1", "suffix .py"),
        ("c.py", "a = (1,\nb = = 2\n", "line 1: the config is not valid Python"),
        ("c.py", "a = b\n", "NameError"),
        ("c.py", "a = 1 / 0\n", "ZeroDivisionError"),
        ("c.py", "_base_ = 'gone.py'\n", r"gone.py: there is no such config"),
        ("c.py", "_base_ = './c.py'\n", "is its own _base_"),
        ("c.py", "_base_ = ['a' + str(1)]\n", "_base_ must be"),
        ("c.py", b"\xff\xfe\x00", "cannot be read"),
        ("c.py", "a = 1\x00", "not valid Python"),
    ],
)
def test_a_file_that_is_no_config(tmp_path: Path, name: str, text: str | bytes | None, message: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        load_config(path)


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    folder = tmp_path / "folder.py"
    folder.mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        load_config(folder)


def test_a_misspelt_setting_in_the_file_is_an_error_and_what_is_read_is_not(tmp_path):
    (tmp_path / "base.py").write_text("max_epochs = 3\ntrain_cfg = dict(max_epochs=max_epochs)\n")
    config = tmp_path / "config.py"
    config.write_text('_base_ = "base.py"\nmax_epochs = 5\nkeep = 0.5\nmodel = dict(keep_rate=keep)\n')
    assert load_config(config).train_cfg.max_epochs == 5
    config.write_text('_base_ = "base.py"\nmax_epoch = 5\n')
    with pytest.raises(InputError, match="'max_epoch' is set, but nothing reads it; did you mean max_epochs"):
        load_config(config)
    config.write_text('_base_ = "base.py"\noptim_wraper = dict(lr=1)\n')
    with pytest.raises(InputError, match="'optim_wraper' is set.*optim_wrapper"):
        load_config(config)
