from pathlib import Path

import pytest

from depthkit.engine.work_folder import check_new, clean_work_folder, find_checkpoints, remove_checkpoints
from depthkit.errors import InputError

OURS = ["epoch_1.pth", "iter_20.pth", "best_abs_rel_epoch_1.pth"]
OTHERS = ["teacher.pth", "epoch_one.pth", "config.py", ".hidden", ".epoch_1.pth", "vis/val_0000_a_iter_0000004.png"]
UNFINISHED = [
    ".epoch_6.pth.tmp",
    "vis/.val_0_a_iter_4.0a1b2c3d.png",
    "vis/.0a1b2c3d.png",
    ".0a1b2c3d",
    "run/vis_data/.0a1b2c3d.json",
]


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_folder_with_checkpoints_is_not_new(tmp_path) -> None:
    fill(tmp_path, *OTHERS, *UNFINISHED)
    check_new(tmp_path)
    fill(tmp_path, *OURS)
    assert {path.name for path in find_checkpoints(tmp_path)} == set(OURS)
    with pytest.raises(InputError, match="has 3 checkpoints .*--resume, .*--overwrite"):
        check_new(tmp_path)


def test_only_what_a_training_wrote_is_removed(tmp_path) -> None:
    fill(tmp_path, *OURS, *OTHERS, *UNFINISHED, "last_checkpoint")
    clean_work_folder(tmp_path)
    assert names(tmp_path) == {*OURS, *OTHERS, "last_checkpoint"}
    remove_checkpoints(tmp_path)
    assert names(tmp_path) == set(OTHERS)
    remove_checkpoints(tmp_path)
