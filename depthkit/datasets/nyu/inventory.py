"""Report what a folder contains of NYU Depth V2, and what is missing."""

from pathlib import Path
from typing import NamedTuple

from depthkit.datasets.nyu.dataset import SPLITS, Split, find_forms, open_nyu, pick_form
from depthkit.datasets.nyu.h5 import NYUH5, SPLIT_FOLDERS
from depthkit.datasets.nyu.mat import MAT_NAME, SPLITS_NAME
from depthkit.datasets.nyu.sync import NYUSync, find_split_file, split_file_names

# The labelled data set's official split. Sync folders and h5 files train on more frames of the same scenes.
OFFICIAL_COUNTS = {"train": 795, "test": 654}


class SplitStatus(NamedTuple):
    """One split in one form.

    Attributes:
        form: ``mat``, ``sync`` or ``h5``.
        split: ``train`` or ``test``.
        pairs: number of complete pairs.
        origin: what they come from.
        missing: each thing that is missing.
    """

    form: str
    split: Split
    pairs: int
    origin: str
    missing: list[str]

    def lines(self) -> list[str]:
        """Describe the split in lines to print."""
        official = OFFICIAL_COUNTS[self.split]
        differs = self.pairs != official and (self.form == "mat" or self.split == "test")
        note = f" (the official {self.split} split has {official})" if differs else ""
        lines = [f"{self.form}, {self.split}: {self.pairs} pairs from {self.origin}{note}"]
        return lines + [f"  missing: {name}" for name in self.missing]


def take_inventory(data_root: Path) -> list[SplitStatus]:
    """Look at both splits in each form of NYU Depth V2 that `data_root` contains.

    Raises:
        InputError: it is not a folder, contains no form of NYU Depth V2, or a damaged file or list.
    """
    forms = find_forms(data_root) or [pick_form(data_root)]
    looks = {"mat": _look_at_mat, "sync": _look_at_sync, "h5": _look_at_h5}
    return [looks[form](data_root, split) for form in forms for split in SPLITS]


def _look_at_mat(data_root: Path, split: Split) -> SplitStatus:
    splits_path = data_root / SPLITS_NAME
    if not splits_path.is_file():
        return SplitStatus("mat", split, 0, MAT_NAME, [str(splits_path)])
    pairs = len(open_nyu(data_root, split, "mat").entries())
    return SplitStatus("mat", split, pairs, f"{MAT_NAME} and {SPLITS_NAME}", [])


def _look_at_sync(data_root: Path, split: Split) -> SplitStatus:
    if find_split_file(data_root, split) is None:
        return SplitStatus("sync", split, 0, "no list", [" or ".join(split_file_names(split))])
    source = NYUSync(data_root, split)
    names = source.file_names()
    missing = set(source.missing)
    empty = [name for name in names if name not in missing and not (source.folder / name).stat().st_size]
    incomplete = missing.union(empty)
    complete = sum(not {rgb, depth} & incomplete for rgb, depth in zip(names[::2], names[1::2], strict=True))
    problems = [str(source.folder / name) for name in source.missing]
    problems += [f"{source.folder / name} (the file is empty)" for name in empty]
    return SplitStatus("sync", split, complete, str(source.split_file), problems)


def _look_at_h5(data_root: Path, split: Split) -> SplitStatus:
    folder = data_root / SPLIT_FOLDERS[split]
    if next(folder.rglob("*.h5"), None) is None:
        return SplitStatus("h5", split, 0, str(folder), [f"{folder}/*.h5"])
    paths = [Path(entry["path"]) for entry in NYUH5(data_root, split).entries()]
    empty = [f"{path} (the file is empty)" for path in paths if not path.stat().st_size]
    return SplitStatus("h5", split, len(paths) - len(empty), str(folder), empty)
