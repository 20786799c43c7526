import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from depthkit.engine.checkpoints import find_valid_checkpoint, pack, strict_loading, unpack
from depthkit.errors import InputError
from helpers import write_crafted_checkpoint

LOGGER = logging.getLogger("test")
STATE = {"meta": {}, "state_dict": {}, "message_hub": {}, "optimizer": {}}


def save(path: Path, age: float, content: dict = STATE) -> Path:
    torch.save(content, path)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_the_newest_is_taken_whatever_its_number(tmp_path) -> None:
    save(tmp_path / "epoch_9.pth", 20)
    newest = save(tmp_path / "iter_5.pth", 10)
    save(tmp_path / "best_abs_rel_epoch_9.pth", 0)
    assert find_valid_checkpoint(tmp_path, LOGGER) == newest


def test_a_damaged_newest_one_is_reported_and_the_one_before_is_taken(tmp_path, caplog) -> None:
    before = save(tmp_path / "epoch_1.pth", 20)
    damaged = save(tmp_path / "epoch_2.pth", 10)
    damaged.write_bytes(damaged.read_bytes()[:200])
    (tmp_path / "epoch_3.pth").write_bytes(b"")
    assert find_valid_checkpoint(tmp_path, LOGGER) == before
    assert "epoch_2.pth" in caplog.text and "epoch_3.pth" in caplog.text


def test_weights_alone_are_not_resumed_from(tmp_path) -> None:
    before = save(tmp_path / "epoch_1.pth", 20)
    save(tmp_path / "epoch_2.pth", 10, {"state_dict": {}, "meta": {}})
    assert find_valid_checkpoint(tmp_path, LOGGER) == before


def test_none_at_all_and_none_whole(tmp_path) -> None:
    assert find_valid_checkpoint(tmp_path, LOGGER) is None
    (tmp_path / "epoch_1.pth").write_bytes(b"x")
    with pytest.raises(InputError, match="none of its 1 checkpoints is valid"):
        find_valid_checkpoint(tmp_path, LOGGER)


def test_no_path_of_mmengine_executes_code_from_a_file(tmp_path) -> None:
    for name, zipped in (("zip.pth", True), ("plain.pth", False)):
        executed = write_crafted_checkpoint(tmp_path / name, zipped=zipped)
        with strict_loading(), pytest.raises(InputError, match=name):
            CheckpointLoader.load_checkpoint(str(tmp_path / name))
        assert not executed.exists()


@pytest.mark.parametrize("address", ["open-mmlab://resnet50", "torchvision://resnet50", "s3://a/b.pth", "mmcls://x"])
def test_other_schemes_are_refused(address) -> None:
    with strict_loading(), pytest.raises(InputError, match="download the file"):
        CheckpointLoader.load_checkpoint(address)


def test_an_address_is_read_by_the_same_reader(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    executed = write_crafted_checkpoint(tmp_path / "crafted.pth")
    torch.save({"state_dict": {"a": torch.ones(1)}}, tmp_path / "good.pth")
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda url, to: shutil.copy(tmp_path / Path(url).name, to))
    with strict_loading():
        assert CheckpointLoader.load_checkpoint("https://example.org/good.pth")["state_dict"]["a"] == 1
        with pytest.raises(InputError, match="crafted.pth: refused"):
            CheckpointLoader.load_checkpoint("https://example.org/crafted.pth")
    assert not executed.exists()


def test_an_address_that_is_not_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with strict_loading(), pytest.raises(InputError, match="none.pth: cannot be downloaded"):
        CheckpointLoader.load_checkpoint("http://127.0.0.1:9/none.pth")


def test_the_loaders_are_mmengines_afterwards_also_after_an_error() -> None:
    before = CheckpointLoader._schemes
    content = dict(before)
    with pytest.raises(KeyError), strict_loading():
        assert CheckpointLoader._schemes is not before
        raise KeyError
    assert CheckpointLoader._schemes is before and before == content


def test_packed_and_unpacked_the_history_is_the_same_to_the_last_bit(tmp_path) -> None:
    losses, counts = [0.1, 1 / 3, float("nan"), 1e-300], [1, 2, 3, 4]
    hub = {
        "log_scalars": {"loss": HistoryBuffer(losses, counts), "none": HistoryBuffer()},
        "runtime_info": {"best": np.float64(0.2), "classes": ("a", "b"), "array": np.arange(2), "object": object()},
        "resumed_keys": {"loss": True},
    }
    state = torch.nn.Linear(1, 1).state_dict()
    checkpoint = {"meta": {}, "state_dict": state, "message_hub": hub, "param_schedulers": [{"f": print, "step": 3}]}
    pack(checkpoint)
    torch.save(checkpoint, tmp_path / "a.pth")
    read = torch.load(tmp_path / "a.pth")
    assert read["message_hub"]["runtime_info"] == {"best": 0.2, "classes": ("a", "b"), "array": [0, 1]}
    assert read["param_schedulers"] == [{"step": 3}]
    unpack(read)
    log, count = read["message_hub"]["log_scalars"]["loss"].data
    np.testing.assert_array_equal(log, np.array(losses))
    np.testing.assert_array_equal(count, counts)
    read["message_hub"]["log_scalars"]["none"].update(1.0)
