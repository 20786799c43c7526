"""NYU Depth V2 as BTS's "sync" folders (Lee et al., 2019): images, 16-bit depth in mm, split files."""

from pathlib import Path

from depthkit.datasets.sample import Frame
from depthkit.datasets.split_list import check_no_missing, missing_files, parse_focal, read_split_list
from depthkit.errors import InputError
from depthkit.utils.camera import focal_intrinsics
from depthkit.utils.io import read_depth, read_rgb

NO_DEPTH = "None"  # what BTS's lists write for an image without a depth map


class NYUSync:
    """One split of a sync folder: lines ``scene/rgb_00045.jpg scene/sync_depth_00045.png 518.8579``.

    The third column is the focal length [px]. Every file that the split names must exist.

    Args:
        data_root: the folder, or the one above BTS's `sync/`.
        split: ``train`` or ``test``.
        split_file: its list; None: the one in `data_root` or in the parent folder.

    Raises:
        InputError: no list, or a line of another form.
    """

    def __init__(self, data_root: Path, split: str, split_file: Path | None = None) -> None:
        self.split_file = split_file if split_file is not None else find_split_file(data_root, split)
        if self.split_file is None:
            raise InputError(
                f"{data_root}: no split file {' or '.join(split_file_names(split))} here or in the parent "
                "folder; put it there or name it with split_file"
            )
        self._entries, self.without_depth = _read_entries(self.split_file)
        self.folder, self.missing = _image_folder(data_root, split, self.file_names())
        skipped = f", {self.without_depth} lines without depth skipped" if self.without_depth else ""
        self.description = f"form sync, split {split} ({self.split_file}){skipped}, {self.folder}"

    def entries(self) -> list[dict]:
        """List {"rgb", "depth", "focal"} for each pair; raise `InputError` if a file of any is missing."""
        check_no_missing(self.folder, self.missing, self.split_file)
        return self.all_entries()

    def all_entries(self) -> list[dict]:
        """List what `entries` does, also where files are missing."""
        return list(self._entries)

    def file_names(self) -> list[str]:
        """List image and depth map of each pair in turn, relative to `folder`."""
        return [name for entry in self._entries for name in (entry["rgb"], entry["depth"])]

    def read(self, entry: dict) -> Frame:
        """Read the frame of an entry."""
        path = self.folder / entry["rgb"]
        image = read_rgb(path)
        depth = read_depth(self.folder / entry["depth"])
        return Frame(image, depth, focal_intrinsics(entry["focal"], image.shape[:2]), str(path))


def split_file_names(split: str) -> tuple[str, str]:
    """Return the file names that a split's list may have: ours and BTS's."""
    return f"{split}.txt", f"nyudepthv2_{split}_files_with_gt.txt"


def find_split_file(data_root: Path, split: str) -> Path | None:
    """Find the split's list in `data_root`, else in its parent folder; None if there is none."""
    for folder in (data_root, data_root.absolute().parent):
        for name in split_file_names(split):
            if (folder / name).is_file():
                return folder / name
    return None


def _read_entries(path: Path) -> tuple[list[dict], int]:
    """Return the pairs of a split file, and how many of its lines have no depth map."""
    entries = []
    without_depth = 0
    for line in read_split_list(path):
        if len(line.columns) != 3:
            raise InputError(
                f"{path}, line {line.number}: has {len(line.columns)} columns; expected 'rgb depth focal_px'"
            )
        rgb, depth, focal = line.columns
        if depth == NO_DEPTH:
            without_depth += 1
            continue
        entries.append({"rgb": rgb, "depth": depth, "focal": parse_focal(focal, path, line.number)})
    if not entries:
        raise InputError(f"{path}: none of its {without_depth} lines names a depth map; give a list that has some")
    return entries, without_depth


def _image_folder(data_root: Path, split: str, names: list[str]) -> tuple[Path, list[str]]:
    """Return the folder with (most of) the split's files, and the files that are missing there.

    BTS's users keep the training images in `sync/` and the others in `official_splits/test/` beside it, and give
    either `sync/` or the folder above as the root.
    """
    official = f"official_splits/{split}"
    candidates = [data_root, data_root / "sync", data_root / official, data_root.absolute().parent / official]
    found = [(folder, missing_files(folder, names)) for folder in candidates if folder.is_dir()]
    if not found:
        raise InputError(f"{data_root}: no such folder; see data/README.md for where data sets go")
    return min(found, key=lambda pair: len(pair[1]))
