"""Configs read in memory: what options and children reach, what is refused, packaged names, plain data."""

import json
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config

from depthkit.errors import InputError
from depthkit.utils.config import config_from_plain, config_to_plain, load_config
from depthkit.utils.config_files import list_configs

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
    config = load_config(child, {"data_root": Path("/mnt/nyu"), "pretrained": None})
    assert config.train_dataloader.dataset.data_root == "/mnt/nyu/train"
    assert config.model.backbone.pretrained is None


def test_a_plain_value_of_the_child_reaches_its_base_and_an_option_wins(child: Path) -> None:
    child.write_text(CHILD + "batch_size = 3\n")
    assert load_config(child).train_dataloader.batch_size == 3
    assert load_config(child, {"batch_size": 5}).train_dataloader.batch_size == 5


def test_a_pipeline_of_the_child_is_a_plain_value_although_it_calls_dict(child: Path) -> None:
    (child.parent / "base" / "data.py").write_text(BASE + "data = dict(pipeline=pipeline)\nlimit = 1\nend = [limit]\n")
    child.write_text(CHILD + "pipeline = [dict(type='Other')]\nlimit = 10 ** 3 * float('2')\n")
    config = load_config(child)
    assert config.data.pipeline == config.pipeline == [{"type": "Other"}]
    assert config.end == [2000.0]


def test_dotted_options_are_merged(child: Path) -> None:
    options = {"model.backbone.keep_rate": 0.9, "pipeline.0.size": (32, 32), "schedule.rates.head": 1}
    config = load_config(child, options)
    assert config.model.backbone.keep_rate == 0.9
    assert tuple(config.pipeline[0].size) == (32, 32)
    assert config.schedule.rates.head == 1
    assert config.schedule.steps == 10
    assert load_config(child, {"load_from": "w.pth"}).load_from == "w.pth", "a setting of the runner"


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
        ("c.py", "folder", "is a folder; expected a config"),
        ("c.py", "a = (1,\nb = = 2\n", "line 1: the config is not valid Python"),
        ("c.py", "a = b\n", "NameError"),
        ("c.py", "a = 1 / 0\n", "ZeroDivisionError"),
        ("c.py", "_base_ = 'gone.py'\n", r"gone.py: there is no such config"),
        ("c.py", "_base_ = './c.py'\n", "is its own _base_"),
        ("c.py", "_base_ = ['a' + str(1)]\n", "_base_ must be"),
        ("c.py", b"\xff\xfe\x00", "is not text in UTF-8"),
        ("c.py", "a = 1\x00", "not valid Python"),
        ("c.py", "import sys\nsys.exit(0)\n", r"c.py, line 2: the config cannot be run \(SystemExit: 0\)"),
        ("c.py", "raise GeneratorExit\n", r"c.py, line 1: the config cannot be run \(GeneratorExit"),
        ("c.py", "a = []\na.append(a)\n", "a is nested more than 50 times, or contains itself"),
        ("c.py", "a = " + "-" * 100000 + "1\n", "the config is not valid Python"),
        ("c.py", "_base_ = None\n", "_base_ must be a path or a list of paths"),
        ("c.py", "_base_ = [1]\n", "_base_ must be a path or a list of paths"),
        ("c.py", "_base_ = 'a\\0b.py'\n", "_base_ must be a path or a list of paths"),
        ("c.py", "from pathlib import Path\nroot = Path('x')\n", "root is of type PosixPath, which is not plain data"),
        (
            "c.py",
            "from pathlib import Path\nmodel = [dict(type=Path)]\n",
            "model.0.type is of type type, .* registered name",
        ),
        ("c.py", "labels = {1: 'wall'}\n", "labels is {1: 'wall'}, which is not plain data"),
        ("c.py", "a = dict(b=['\\ud800'])\n", "a.b.0 is '.ud800', which no file can hold; expected Unicode text"),
        ("c.py", "text = 'abc'\n", "text is reserved"),
        ("c.py", "default_scope = 'nowhere'\n", "c.py: default_scope is 'nowhere'; expected the name of a package"),
        ("c.py", "model = dict(_scope_='nowhere')\n", "model._scope_ is 'nowhere'; expected the name of a package"),
        ("c.py", "_base_ = 'b.py'\na = dict(type={})\n", r"type=\{\} in child config .* of type str in base config"),
        ("c.py", "rate = 3\nif rate > 1:\n    raise ValueError(f'{rate=}: expected up to 1')\n", "c.py: rate=3: exp"),
        ("c.py", "_base_ = 'nowhere::a.py'\n", "the package 'nowhere', which is not installed"),
        ("c.py", "_base_ = 'mmseg::a.py'\n", "a.py: there is no such config"),
        ("c.py", "custom_imports = dict(imports=['not_there'])\n", "custom_imports: .*not_there.*PYTHONPATH"),
        ("c.py", "custom_imports = dict(import_=['os'])\n", "custom_imports: .*import_"),
    ],
)
def test_a_file_that_is_no_config(tmp_path: Path, name: str, text: str | bytes | None, message: str) -> None:
    path = tmp_path / name
    if text == "folder":
        path.mkdir()
    elif text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (tmp_path / "b.py").write_text("a = dict(type='x')\n")
    with pytest.raises(InputError, match=message):
        load_config(path)


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


def test_what_bases_give_is_merged_deleted_and_referred_to(tmp_path):
    (tmp_path / "a.py").write_text("model = dict(head=dict(type='A', width=3), depth=2)\nsizes = [1, (2, 3)]\n")
    (tmp_path / "b.py").write_text("data = dict(root='x')\n")
    path = tmp_path / "c.py"
    path.write_text(
        "_base_ = ['a.py', 'b.py']\n"
        "first = {{_base_.sizes}}\n"
        "second = [dict(root=_base_.data.root)]\n"
        "model = dict(head=dict(_delete_=True, type='B'))\n"
        "def helper(): return first\n"
        "import math\n"
        "third = [math.floor(2.5), *helper()]\n"
    )
    config = load_config(path)
    assert config.to_dict() == {
        "model": {"head": {"type": "B"}, "depth": 2},
        "sizes": [1, (2, 3)],
        "data": {"root": "x"},
        "first": [1, (2, 3)],
        "second": [{"root": "x"}],
        "third": [2, 1, (2, 3)],
    }
    path.write_text("_base_ = ['a.py', 'b.py']\nmodel = 3\nsizes = dict(a=1)\n")
    with pytest.raises(InputError, match="c.py: .*sizes.*_delete_"):
        load_config(path)
    (tmp_path / "b.py").write_text("model = 3\n")
    with pytest.raises(InputError, match="c.py: two of its bases set 'model'"):
        load_config(path)


def test_values_in_lists_may_be_dicts_and_reach_the_base(tmp_path):
    (tmp_path / "a.py").write_text("steps = [dict(type='A')]\nloader = dict(steps=steps)\n")
    path = tmp_path / "c.py"
    path.write_text("_base_ = 'a.py'\nsteps = [{'type': 'B', 'size': (1, 2)}]\n")
    assert load_config(path).loader.steps[0].size == (1, 2)
    config = load_config(path, {"steps": [{"type": "C", "inner": {"size": 3}}]})
    assert config.loader.steps[0].inner.size == config.steps[0].inner.size == 3
    with pytest.raises(InputError, match="c.py: an option cannot replace one item of a list; give the complete list"):
        load_config(path, {"steps.0": 3})


def test_a_base_of_an_installed_package_keeps_its_scope(tmp_path):
    path = tmp_path / "c.py"
    path.write_text("_base_ = 'mmseg::_base_/models/dpt_vit-b16.py'\nmodel = dict(backbone=dict(num_heads=8))\n")
    model = load_config(path).model
    assert (model.type, model._scope_, model.backbone.num_heads) == ("EncoderDecoder", "mmseg", 8)


def test_environment_variables_are_filled_in(tmp_path, monkeypatch):
    path = tmp_path / "c.py"
    path.write_text("root = '{{$DEPTHKIT_ROOT:/default}}/x'\nworkers = {{'$DEPTHKIT_WORKERS:4'}}\n")
    assert load_config(path).to_dict() == {"root": "/default/x", "workers": 4}
    monkeypatch.setenv("DEPTHKIT_ROOT", "/mnt")
    assert load_config(path).root == "/mnt/x"


def test_custom_imports_run_code_that_registers_classes(tmp_path, monkeypatch):
    (tmp_path / "my_depthkit_classes.py").write_text("seen = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "c.py"
    path.write_text("custom_imports = dict(imports=['my_depthkit_classes'])\n")
    load_config(path)
    assert sys.modules.pop("my_depthkit_classes").seen == 1


@pytest.mark.parametrize("name", ["demo_rooms", "demo_rooms.py"])
def test_a_packaged_config_is_found_by_its_name_and_a_file_wins(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_config(name, {"max_epochs": 1}).train_cfg.max_epochs == 1
    assert Path(load_config(name).filename).name == "demo_rooms.py"
    Path("demo_rooms.py").write_text("max_epochs = 7\n")
    assert load_config("demo_rooms.py").to_dict() == {"max_epochs": 7}


@pytest.mark.parametrize("name", ["demo_romms", "demo_romms.py", "gone/demo_rooms.py", "configs/demo_rooms"])
def test_of_an_unknown_name_the_nearest_is_told(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"^{name}: there is no such config; did you mean demo_rooms\\?$"):
        load_config(name)
    with pytest.raises(InputError, match="`depthkit configs` lists"):
        load_config("zzzzzz")


def test_the_list_describes_each_config():
    rooms = next(config for config in list_configs() if config.name == "demo_rooms")
    assert rooms.title == "A small ToSA on generated rooms, with nothing to download: `make demo` trains it."
    assert rooms.result.startswith("protocol full, 32 rooms: abs_rel")
    assert rooms.path.name == "demo_rooms.py"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner, max_size=3)
    ),
)


@given(st.dictionaries(st.sampled_from(["model", "data_root", "img_size", "keep_rate"]), VALUES))
def test_a_config_as_plain_data_survives_json(values):
    plain = json.loads(json.dumps(config_to_plain(Config(values))))
    config = config_from_plain(plain, "mine")
    assert config.to_dict() == values
    assert config.filename == "mine"


def test_objects_of_a_config_made_in_python_become_text_in_plain_data():
    config = Config({"work_dir": Path("runs"), "sizes": (torch.float16, {1: 2})})
    assert config_to_plain(config) == {"work_dir": "runs", "sizes": {"_tuple_": ["torch.float16", {"1": 2}]}}


def test_a_config_as_plain_data_is_read_by_torch_without_running_code(child, tmp_path):
    plain = config_to_plain(load_config(child))
    torch.save(plain, tmp_path / "w.pth")
    assert torch.load(tmp_path / "w.pth", weights_only=True) == plain
    config_from_plain(plain, "mine").dump(tmp_path / "dumped.py")
    assert Config.fromfile(tmp_path / "dumped.py").to_dict() == load_config(child).to_dict()
