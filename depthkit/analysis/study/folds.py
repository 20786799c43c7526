"""Folds of the scenes: each leaves another part of every scene out, against lucky splits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from depthkit.datasets.split_list import read_split_list
from depthkit.errors import InputError
from depthkit.utils.input_files import read_text
from depthkit.utils.output_file import atomic_path
from depthkit.utils.output_folder import make_output_folder


@dataclass(frozen=True)
class Fold:
    """One division of the data into training and test.

    Attributes:
        name: also the name of a folder.
        options: changes of a config, by dotted names.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)


AS_CONFIGURED = Fold("fold_0")


def write_folds(lists: Sequence[Path], count: int, gap: int, folder: Path) -> list[Fold]:
    """Divide the pairs of all `lists` into `count` folds, and write their split lists.

    The pairs of a scene (a folder of images) are sorted by name, 2 before 10, and cut into `count` parts; fold k tests
    the k-th part of every scene. Frames of a video resemble their neighbours, so `gap` pairs on each side of it are
    left out of the training.

    Args:
        lists: split lists with lines ``rgb depth [focal_px]``, such as train.txt and test.txt of one data root.
        count: at least 2.
        gap: pairs left out on each side.
        folder: for ``fold_<k>_train.txt`` and ``fold_<k>_test.txt``.

    Raises:
        InputError: a list cannot be read, an image is in two pairs, a scene has too few pairs, so many are left out
            that a fold trains on none, or the folder has lists of another division, whose results would be mixed with
            those of this one.
    """
    scenes: dict[str, dict[str, str]] = {}
    for path in lists:
        for line in read_split_list(path):
            image, pair = line.columns[0], " ".join(line.columns)
            known = scenes.setdefault(str(PurePosixPath(image).parent), {}).setdefault(image, pair)
            if known != pair:
                raise InputError(
                    f"{path}, line {line.number}: '{pair}' is also named as '{known}'; correct one of them"
                )
    small = [scene for scene, lines in scenes.items() if len(lines) < count]
    if small:
        raise InputError(f"scene {small[0]}: has {len(scenes[small[0]])} pairs; expected {count} or more, one a fold")
    make_output_folder(folder)
    folds = []
    for fold in range(count):
        parts: dict[str, list[str]] = {"train": [], "test": []}
        for scene in scenes.values():
            lines = [scene[image] for image in sorted(scene, key=_natural)]
            start, end = (len(lines) * k // count for k in (fold, fold + 1))
            parts["test"] += lines[start:end]
            parts["train"] += [*lines[: max(start - gap, 0)], *lines[end + gap :]]
        if not parts["train"]:
            raise InputError(f"--gap {gap}: leaves no pair to train fold {fold} on; leave fewer out")
        files = {split: folder / f"fold_{fold}_{split}.txt" for split in parts}
        for split, path in files.items():
            _write_once(path, "".join(f"{line}\n" for line in parts[split]))
        of = {"train_dataloader": "train", "val_dataloader": "test", "test_dataloader": "test"}
        options = {f"{loader}.dataset.split_file": str(files[split]) for loader, split in of.items()}
        folds.append(Fold(f"fold_{fold}", options))
    return folds


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what sorts the frames of a video by their numbers, also without leading zeros."""
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _write_once(path: Path, text: str) -> None:
    """Write a list; raise InputError if there is one that says otherwise."""
    if path.exists():
        if read_text(path, "a split list") != text:
            raise InputError(
                f"{path}: is of another division (--lists, --folds, --gap); use another folder for this study"
            )
        return
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
