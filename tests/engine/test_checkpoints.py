import logging
import os
from pathlib import Path

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

import depthkit.engine  # noqa: F401 (makes loading strict)
from depthkit.engine.checkpoints import find_valid_checkpoint
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
        with pytest.raises(InputError, match=name):
            CheckpointLoader.load_checkpoint(str(tmp_path / name))
        assert not executed.exists()


@pytest.mark.parametrize("address", ["open-mmlab://resnet50", "torchvision://resnet50", "s3://a/b.pth", "mmcls://x"])
def test_other_schemes_are_refused(address) -> None:
    with pytest.raises(InputError, match="download the file"):
        CheckpointLoader.load_checkpoint(address)
