"""DepthPredictor from a checkpoint that carries its config, also a crafted one."""

import functools
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from depthkit.apis.predictor import DepthPredictor
from depthkit.errors import InputError
from depthkit.models.checkpoint_info import CheckpointInfo
from depthkit.utils.config import config_to_plain, load_config
from helpers import run_python
from plain_config import photo


@pytest.fixture(scope="module")
def alone(trained) -> Path:
    """The same model as a checkpoint that carries its config."""
    config = config_to_plain(load_config(trained[0]))
    info = CheckpointInfo.of_training(config, str(trained[0]))
    path = trained[0].parent / "alone.pth"
    torch.save({"state_dict": torch.load(trained[1]), "depthkit": info.to_plain()}, path)
    return path


def test_a_checkpoint_that_carries_its_config_needs_no_other_file(alone, predictor):
    rgb = photo(70, 110)
    own = DepthPredictor(alone)
    np.testing.assert_array_equal(own(rgb).depth, predictor(rgb).depth)
    assert own(rgb).depth_range == predictor(rgb).depth_range


def test_a_config_alone_or_a_file_without_one_is_one_sentence(trained):
    for config in (trained[0], Config.fromfile(trained[0])):
        with pytest.raises(InputError, match="config.py: a config has no weights; give a checkpoint"):
            DepthPredictor(config)
    with pytest.raises(InputError, match="weights.pth: carries no config; give the config that it was trained with"):
        DepthPredictor(trained[1])


COMMAND = {"type": "os.mkdir", "path": "executed"}


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("model.neck", COMMAND, "there is no "),
        ("model.neck", {"type": "planted"}, "there is no "),
        ("test_pipeline", [COMMAND], "there is no "),
        ("model", 3, ""),
        ("model", {}, ""),
        ("model.type", ["DepthEstimator"], ""),
        ("model", {"type": "DepthEstimator", "backbone": 3, "decode_head": None}, ""),
        ("test_pipeline", 3, ""),
        ("test_pipeline", [3], ""),
    ],
)
def test_a_crafted_config_in_a_file_is_an_error_and_runs_no_code(alone, tmp_path, monkeypatch, part, value, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "planted.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    content = torch.load(alone)
    *parents, key = ("depthkit", "config", *part.split("."))
    functools.reduce(dict.get, parents, content)[key] = value
    torch.save(content, tmp_path / "crafted.pth")
    with pytest.raises(InputError, match=f"crafted.pth: .*{message}"):
        DepthPredictor(tmp_path / "crafted.pth")
    assert {path.name for path in tmp_path.iterdir()} == {"planted.py", "crafted.pth"}


@pytest.mark.slow
def test_importing_and_predicting_leave_mmengine_as_it_was(trained, alone):
    """In a fresh process, which then uses mmengine by itself."""
    script = """
import sys
import mmengine.device, torch
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner.checkpoint import CheckpointLoader, load_checkpoint

def settings():
    return dict(CheckpointLoader._schemes), DefaultScope.get_current_instance(), mmengine.device.utils.DEVICE

before = settings()
import depthkit, depthkit.datasets, depthkit.models, depthkit.apis.predictor
assert settings() == before
config, weights, alone = sys.argv[1:]
depthkit.DepthPredictor(config, weights, device="cpu")
assert settings() == before
assert not [name for name in sys.modules if name.startswith("depthkit.engine")]
predictor = depthkit.DepthPredictor(alone)
import numpy as np
predictor(np.zeros((20, 30, 3), np.uint8))
assert not [name for name in sys.modules if name.startswith("depthkit.engine")]
import depthkit.engine, depthkit.apis.train, depthkit.apis.evaluate
assert settings() == before

# mmengine by itself: a name that depthkit also has, a Python path as a type, a checkpoint with an object in it.
@MODELS.register_module()
class DeiT(torch.nn.Linear):
    pass

assert type(MODELS.build(dict(type="DeiT", in_features=2, out_features=3))) is DeiT
assert type(MODELS.build(dict(type="torch.nn.Linear", in_features=2, out_features=3))) is torch.nn.Linear
model = torch.nn.Linear(2, 3)
class Thing: pass
torch.save({"state_dict": model.state_dict(), "thing": Thing()}, alone + ".plain")
assert "thing" in load_checkpoint(torch.nn.Linear(2, 3), alone + ".plain", strict=True)
print("done")
"""
    done = run_python("-c", script, *trained, alone)
    assert done.stdout.endswith("done\n"), done.stderr
