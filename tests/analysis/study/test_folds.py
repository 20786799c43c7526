from pathlib import Path

import pytest

from depthkit.analysis.study.folds import write_folds
from depthkit.datasets.split_list import read_split_list
from depthkit.errors import InputError


def names(path) -> list[str]:
    return [line.columns[0] for line in read_split_list(Path(path))]


def test_each_pair_is_tested_once_and_neighbours_are_not_trained_on(tmp_path):
    lines = [f"{scene}/{i:03d}.jpg {scene}/{i:03d}.png 500\n" for scene in ("kitchen", "desk") for i in range(20)]
    (tmp_path / "train.txt").write_text("".join(lines[:15] + lines[20:35]))
    (tmp_path / "test.txt").write_text("".join(lines[15:20] + lines[35:]))
    folds = write_folds([tmp_path / "train.txt", tmp_path / "test.txt"], 4, 2, tmp_path / "folds")
    assert [fold.name for fold in folds] == ["fold_0", "fold_1", "fold_2", "fold_3"]
    tested = []
    for k, fold in enumerate(folds):
        train = names(fold.options["train_dataloader.dataset.split_file"])
        test = names(fold.options["test_dataloader.dataset.split_file"])
        assert fold.options["val_dataloader.dataset.split_file"] == fold.options["test_dataloader.dataset.split_file"]
        assert test == [f"{scene}/{i:03d}.jpg" for scene in ("kitchen", "desk") for i in range(5 * k, 5 * k + 5)]
        left = set(range(20)) - set(range(5 * k - 2, 5 * k + 7))
        assert train == [f"{scene}/{i:03d}.jpg" for scene in ("kitchen", "desk") for i in sorted(left)]
        tested += test
    assert len(tested) == len(set(tested)) == 40


def test_frames_without_leading_zeros_are_in_the_order_of_the_video(tmp_path):
    (tmp_path / "all.txt").write_text("".join(f"a/{i}.jpg a/{i}.png\n" for i in range(100)))
    for k, fold in enumerate(write_folds([tmp_path / "all.txt"], 5, 5, tmp_path / "folds")):
        assert names(fold.options["test_dataloader.dataset.split_file"]) == [f"a/{20 * k + i}.jpg" for i in range(20)]


def test_divisions_that_cannot_be(tmp_path):
    (tmp_path / "all.txt").write_text("a/1.jpg a/1.png\na/2.jpg a/2.png\n")
    with pytest.raises(InputError, match="scene a: has 2 pairs; expected 3 or more"):
        write_folds([tmp_path / "all.txt"], 3, 0, tmp_path)
    with pytest.raises(InputError, match="--gap 1: leaves no pair to train fold 0 on"):
        write_folds([tmp_path / "all.txt"], 2, 1, tmp_path)
    (tmp_path / "all.txt").write_text("a/1.jpg a/1.png\na/1.jpg a/1.png 500\na/2.jpg a/2.png\n")
    with pytest.raises(InputError, match="line 2: 'a/1.jpg a/1.png 500' is also named as 'a/1.jpg a/1.png'"):
        write_folds([tmp_path / "all.txt"], 2, 0, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["all.txt"]


def test_another_division_is_not_mixed_with_the_first(tmp_path):
    (tmp_path / "all.txt").write_text("".join(f"a/{i}.jpg a/{i}.png\n" for i in range(8)))
    lists, folder = [tmp_path / "all.txt"], tmp_path / "folds"
    folds = write_folds(lists, 2, 1, folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert write_folds(lists, 2, 1, folder) == folds
    with pytest.raises(InputError, match=r"fold_0_train.txt: is of another division \(--lists, --folds, --gap\)"):
        write_folds(lists, 2, 2, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == stamps
