import datetime
import os

import pytest
import torch

from depthkit.errors import InputError
from depthkit.utils.device import process_group, select_device, wrapper_config


def test_auto_takes_a_gpu_if_there_is_one(monkeypatch) -> None:
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert select_device().type == select_device("auto").type == select_device(None).type == expected
    assert select_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["hpu:0", "gpu", "cuda:x", "meta", "cuda:99", ""])
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


def test_a_start_that_fails_is_one_sentence_and_stays_on_this_machine(monkeypatch) -> None:
    for name, value in {"LOCAL_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "x")
    monkeypatch.delenv("GLOO_SOCKET_IFNAME")

    def hang(backend: str, timeout: datetime.timedelta) -> None:
        assert backend == "gloo" and timeout < datetime.timedelta(minutes=30)
        assert os.environ["GLOO_SOCKET_IFNAME"] in ("lo", "lo0")
        raise RuntimeError("timed out after 600 s")

    monkeypatch.setattr(torch.distributed, "init_process_group", hang)
    with (
        pytest.raises(InputError, match="did not find each other .timed out after 600 s.; start them again"),
        process_group("pytorch", torch.device("cpu")),
    ):
        pass


def test_on_a_cpu_the_wrapper_has_no_device_ids() -> None:
    assert wrapper_config("none", torch.device("cpu"), True) is None
    assert wrapper_config("pytorch", torch.device("cpu"), True)["device_ids"] is None


@pytest.mark.parametrize(
    ("text", "expected", "message"),
    [
        ("[pair.cc:534] Connection closed by peer [127.0.0.1]:3511", InputError, "another process .*:3511.*--resume"),
        ("NCCL error: remote process exited", InputError, "has ended or does not answer"),
        ("The size of tensor a must match the size of tensor b", RuntimeError, "The size of tensor a must match"),
    ],
)
def test_a_process_that_is_lost_is_one_sentence_in_the_others(monkeypatch, text, expected, message) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda backend, timeout: None)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)
    with pytest.raises(expected, match=message) as caught, process_group("pytorch", torch.device("cpu")):
        raise RuntimeError(text)
    assert caught.type is expected
