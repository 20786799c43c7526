import mmengine.device.utils
import pytest
import torch

from depthkit.errors import InputError
from depthkit.utils.device import process_group, select_device, wrapper_config


@pytest.fixture(autouse=True)
def keep_mmengines_device(monkeypatch) -> None:
    monkeypatch.setattr(mmengine.device.utils, "DEVICE", mmengine.device.utils.DEVICE)


def test_cpu_is_what_mmengine_uses_then() -> None:
    mmengine.device.utils.DEVICE = "cuda"
    assert select_device("cpu") == torch.device("cpu")
    assert mmengine.device.get_device() == "cpu"


def test_without_a_name_it_is_mmengines_choice() -> None:
    assert select_device().type == mmengine.device.get_device()


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "meta", "cuda:99", ""])
def test_a_device_that_is_not_there_is_an_error_and_no_fallback(name) -> None:
    with pytest.raises(InputError, match=f"device '{name}'"):
        select_device(name)


def test_launched_the_wrong_way(monkeypatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="add --launcher pytorch"), process_group("none", cpu):
        pass
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(InputError, match="not started by torchrun"), process_group("pytorch", cpu):
        pass
    with pytest.raises(InputError, match="launcher 'slurm'"), process_group("slurm", cpu):
        pass


def test_on_a_cpu_the_wrapper_has_no_device_ids() -> None:
    assert wrapper_config("none", torch.device("cpu"), True) is None
    assert wrapper_config("pytorch", torch.device("cpu"), True)["device_ids"] is None
