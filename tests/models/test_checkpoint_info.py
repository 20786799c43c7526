import json

import pytest
import torch
from safetensors.torch import save_file

import depthkit
from depthkit.errors import InputError
from depthkit.models.checkpoint_info import CheckpointInfo
from depthkit.models.weights import forget_pretrained, read_config, read_metadata

CONFIG = {"model": {"type": "DepthEstimator"}, "size": [2, 3]}
BLOCK = CheckpointInfo.of_training(CONFIG, "configs/nyu_x.py").to_plain()


@pytest.fixture(params=["a.pth", "a.safetensors"])
def save(request, tmp_path):
    def write(block):
        path, state = tmp_path / request.param, {"w": torch.ones(2)}
        if path.suffix == ".pth":
            torch.save({"state_dict": state} if block is None else {"state_dict": state, "depthkit": block}, path)
        else:
            save_file(state, path, metadata=None if block is None else {"depthkit": json.dumps(block)})
        return path

    return write


def test_what_is_written_is_read(save):
    path = save({**BLOCK, "metrics": {"abs_rel": 0.1}})
    info = read_metadata(path)
    assert info == CheckpointInfo(depthkit.__version__, CONFIG, "nyu_x", "metric", {"abs_rel": 0.1})
    config = read_config(path)
    assert (config.filename, config.size, config.model.type) == (f"{path}: nyu_x.py", [2, 3], "DepthEstimator")


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (dict(type="DepthEstimator", output="depth"), "metric"),
        (dict(type="DepthEstimator", output="disparity"), "relative"),
        (dict(type="depthkit.DepthEstimator", output="relative_depth"), "relative"),
        (dict(type="Classifier"), "classes"),
    ],
)
def test_the_kind_follows_the_model(model, kind):
    assert CheckpointInfo.of_training({"model": model}, "a.py").kind == kind


def test_a_file_without_the_block(save):
    path = save(None)
    assert read_metadata(path) is None
    with pytest.raises(InputError, match="carries no config; give the config that it was trained with too; if it is a"):
        read_config(path)


@pytest.mark.parametrize("version", ["99.0.0", "0.2.1", "0.3.0.dev1"])
def test_a_newer_version_is_one_sentence(save, version):
    with pytest.raises(InputError, match=f"was saved by depthkit {version}, which is newer than this one"):
        read_metadata(save({**BLOCK, "version": version}))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (3, "version: None"),
        ({}, "version: None"),
        ({**BLOCK, "version": "new"}, "version: 'new'"),
        ({**BLOCK, "version": 3}, "version: 3"),
        ({**BLOCK, "config": "model = 3"}, "config='model = 3': expected a dict"),
        ({**BLOCK, "kind": "voxels"}, "kind='voxels': expected one of 'metric', 'relative', 'classes' or 'tokens'"),
        ({**BLOCK, "metrics": {"abs_rel": "low"}}, "metrics: abs_rel='low': expected a number"),
        ({key: value for key, value in BLOCK.items() if key != "config"}, "config is missing"),
    ],
)
def test_a_damaged_block_is_one_sentence(save, block, message):
    with pytest.raises(InputError, match=f"its description of the model is damaged .{message}"):
        read_metadata(save(block))


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("DepthClassifier", "metric"),
        ("depthkit.Classifier", "classes"),
        ("SelectorDistiller", "tokens"),
        ("TokenDistiller", "tokens"),
    ],
)
def test_the_kind_follows_from_the_model(model, kind):
    assert CheckpointInfo.of_training({"model": {"type": model}}, None).kind == kind


def test_forget_pretrained():
    model = {"pretrained": "a.pth", "backbone": {"type": "X", "pretrained": True, "init_cfg": {"checkpoint": "b"}}}
    forget_pretrained(model)
    assert model == {"pretrained": None, "backbone": {"type": "X", "pretrained": None}}
    forget_pretrained({"backbone": None})
