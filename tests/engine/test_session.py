import mmengine.device
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import CheckpointLoader

from depthkit.engine.session import engine_session
from helpers import mmengine_settings


@pytest.mark.parametrize("error", [None, KeyError, KeyboardInterrupt])
def test_inside_mmengine_is_set_up_and_afterwards_as_it_was(monkeypatch, error) -> None:
    monkeypatch.setattr(DefaultScope, "_instance_dict", type(DefaultScope._instance_dict)())
    monkeypatch.setattr(mmengine.device.utils, "DEVICE", "cuda")
    before = mmengine_settings()
    try:
        with engine_session(torch.device("cpu")):
            assert mmengine.device.get_device() == "cpu"
            assert DefaultScope.get_current_instance().scope_name == "depthkit"
            assert all(loader.__module__.startswith("depthkit") for loader in CheckpointLoader._schemes.values())
            if error:
                raise error
    except (KeyError, KeyboardInterrupt):
        pass
    assert mmengine_settings() == before


def test_another_scope_of_the_process_comes_back(monkeypatch) -> None:
    monkeypatch.setattr(DefaultScope, "_instance_dict", type(DefaultScope._instance_dict)())
    DefaultScope.get_instance("mine", scope_name="mmseg")
    with engine_session(torch.device("cpu")):
        pass
    assert DefaultScope.get_current_instance().instance_name == "mine"
