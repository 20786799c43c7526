"""Report what a folder contains of NYU Depth V2, what is missing, and what is damaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from depthkit.datasets.depth_dataset import FrameSource, check_frame
from depthkit.datasets.nyu.dataset import SPLITS, Split, find_forms, pick_form
from depthkit.datasets.nyu.h5 import NYUH5, SPLIT_FOLDERS
from depthkit.datasets.nyu.mat import MAT_NAME, SPLITS_NAME, NYUMat
from depthkit.datasets.nyu.sync import NYUSync, find_split_file, split_file_names
from depthkit.errors import InputError
from depthkit.utils.input_files import check_file

# The labelled data set's official split. Sync folders and h5 files train on more frames of the same scenes.
OFFICIAL_COUNTS = {"train": 795, "test": 654}


class SplitStatus(NamedTuple):
    """One split in one form.

    Attributes:
        form: ``mat``, ``sync`` or ``h5``.
        split: ``train`` or ``test``.
        pairs: number of complete pairs.
        origin: what they come from.
        missing: each file that is missing.
        damaged: a sentence on each file that is there and cannot be used.
    """

    form: str
    split: Split
    pairs: int
    origin: str
    missing: list[str]
    damaged: list[str]

    def lines(self) -> list[str]:
        """Describe the split in lines to print."""
        official = OFFICIAL_COUNTS[self.split]
        differs = self.pairs != official and (self.form == "mat" or self.split == "test")
        note = f" (the official {self.split} split has {official})" if differs else ""
        lines = [f"{self.form}, {self.split}: {self.pairs} pairs from {self.origin}{note}"]
        lines += [f"  missing: {name}" for name in self.missing]
        return lines + [f"  damaged: {sentence}" for sentence in self.damaged]


def take_inventory(data_root: Path, deep: bool = False) -> list[SplitStatus]:
    """Look at both splits in each form of NYU Depth V2 that `data_root` contains.

    Args:
        data_root: the folder.
        deep: also read every pair, with a progress bar on a terminal. Otherwise it is only checked that each file is
            there and is a regular file with content.

    Raises:
        InputError: it is not a folder, contains no form of NYU Depth V2, or its list or its .mat is damaged.
    """
    forms = find_forms(data_root) or [pick_form(data_root)]
    looks = {"mat": _look_at_mat, "sync": _look_at_sync, "h5": _look_at_h5}
    return [looks[form](data_root, split, deep) for form in forms for split in SPLITS]


def _look_at_mat(data_root: Path, split: Split, deep: bool) -> SplitStatus:
    splits_path = data_root / SPLITS_NAME
    if not splits_path.is_file():
        return SplitStatus("mat", split, 0, MAT_NAME, [str(splits_path)], [])
    source = NYUMat(data_root / MAT_NAME, split, splits_path, "raw")
    entries = source.entries()
    damaged = list(_damaged_frames(source, entries, deep))
    return SplitStatus("mat", split, len(entries) - len(damaged), f"{MAT_NAME} and {SPLITS_NAME}", [], damaged)


def _look_at_sync(data_root: Path, split: Split, deep: bool) -> SplitStatus:
    if find_split_file(data_root, split) is None:
        return SplitStatus("sync", split, 0, "no list", [" or ".join(split_file_names(split))], [])
    source = NYUSync(data_root, split)
    names, missing = source.file_names(), set(source.missing)
    wrong = {name: fault for name in names if name not in missing and (fault := _fault(source.folder / name))}
    bad = missing.union(wrong)
    readable = [entry for entry in source.all_entries() if not bad.intersection((entry["rgb"], entry["depth"]))]
    unread = list(_damaged_frames(source, readable, deep))
    lost = [str(source.folder / name) for name in source.missing]
    pairs = len(readable) - len(unread)
    return SplitStatus("sync", split, pairs, str(source.split_file), lost, [*wrong.values(), *unread])


def _look_at_h5(data_root: Path, split: Split, deep: bool) -> SplitStatus:
    folder = data_root / SPLIT_FOLDERS[split]
    if next(folder.rglob("*.h5"), None) is None:
        return SplitStatus("h5", split, 0, str(folder), [f"{folder}/*.h5"], [])
    source = NYUH5(data_root, split)
    entries = source.entries()
    wrong = {entry["path"]: fault for entry in entries if (fault := _fault(Path(entry["path"])))}
    readable = [entry for entry in entries if entry["path"] not in wrong]
    unread = list(_damaged_frames(source, readable, deep))
    return SplitStatus("h5", split, len(readable) - len(unread), str(folder), [], [*wrong.values(), *unread])


def _fault(path: Path) -> str | None:
    """Return why what is at `path` cannot be a file of the data set, None if it can."""
    try:
        check_file(path, "a file of NYU Depth V2")
    except InputError as error:
        return str(error)
    return None


def _damaged_frames(source: FrameSource, entries: list[dict], deep: bool) -> Iterator[str]:
    """Read the frames of `entries` if `deep`, and yield a sentence on each that is damaged."""
    for entry in tqdm(entries, desc="reading", unit="pair", disable=None) if deep else ():
        try:
            check_frame(source.read(entry))
        except InputError as error:
            yield str(error)
