"""A user's own RGB-D pairs: a folder of pictures and a folder of depth maps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from depthkit.datasets.depth_dataset import DepthDataset
from depthkit.datasets.sample import Frame
from depthkit.datasets.split_list import SplitLine, missing_files, parse_focal, read_split_list
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.camera import focal_intrinsics, pinhole
from depthkit.utils.io import DEPTH_SUFFIXES, IMAGE_SUFFIXES, read_depth, read_rgb

SPLITS = ("train", "test", "all")
SANITY_FILES = 16
# A median outside this is a wrong depth_scale rather than a scene: from a macro shot to a street.
PLAUSIBLE_MEDIAN = (0.05, 200.0)  # [m]


@DATASETS.register_module()
class RGBDFolder(DepthDataset):
    """Pictures in `rgb_dir` and depth maps in `depth_dir`, paired by file stem or by a split list.

    `depth_scale`: file units per metre (1000 for millimetres, 5000 for TUM RGB-D, 1 for metres), always to be
    given. The range of a sample of files is printed in metres, and an implausible one raises `InputError`.

    Splits "train" and "test" come from `split_file` or `data_root/{split}.txt`; a line is the name of a
    picture in `rgb_dir` ("0001" or "0001.jpg"), or `rgb depth [focal_px]` with paths relative to `data_root`.
    Without lists, `test_every=10` holds out each tenth pair (sorted by name) as the test split. Split "all"
    takes every pair. `intrinsics`: (fx, fy, cx, cy) [px] of the pictures, if known. Raises `InputError` also
    for a picture without depth, a missing file, and a missing split.
    """

    def __init__(
        self,
        data_root: str | Path,
        depth_scale: float,
        split: str = "train",
        rgb_dir: str = "rgb",
        depth_dir: str = "depth",
        split_file: str | Path | None = None,
        test_every: int | None = None,
        intrinsics: Sequence[float] | None = None,
        pipeline: Sequence = (),
        indices: int | Sequence[int] | None = None,
    ) -> None:
        root = Path(data_root).expanduser()
        entries = _list_pairs(root, split, rgb_dir, depth_dir, split_file, test_every)
        source = FolderPairs(root, split, entries, depth_scale, intrinsics)
        super().__init__(source, pipeline, test_mode=split == "test", indices=indices)
        print_log(sanity_range(source), logger="current")


class FolderPairs:
    """The pairs of a folder, as {"rgb", "depth", "focal"} relative to it."""

    def __init__(
        self,
        folder: Path,
        split: str,
        entries: list[dict],
        depth_scale: float,
        intrinsics: Sequence[float] | None,
    ) -> None:
        if isinstance(depth_scale, bool) or not isinstance(depth_scale, (int, float)) or not depth_scale > 0:
            raise InputError(f"depth_scale={depth_scale!r}: expected the file units per metre, such as 1000")
        if intrinsics is not None and len(intrinsics) != 4:
            raise InputError(f"intrinsics={intrinsics}: expected (fx, fy, cx, cy) in pixels")
        self.folder = folder
        self.depth_scale = float(depth_scale)
        self._entries = entries
        self._intrinsics = None if intrinsics is None else pinhole(*intrinsics)
        self.description = f"form folder, split {split}, {folder}"

    def entries(self) -> list[dict]:
        """Return the pairs; raises `InputError` when a file of any is missing."""
        names = [name for entry in self._entries for name in (entry["rgb"], entry["depth"])]
        missing = missing_files(self.folder, names)
        if missing:
            raise InputError(
                f"{self.folder / missing[0]}: named by the split but missing, the first of {len(missing)} "
                "such files; complete the folder or correct the split list"
            )
        return list(self._entries)

    def read(self, entry: dict) -> Frame:
        """Return the frame of an entry."""
        path = self.folder / entry["rgb"]
        image = read_rgb(path)
        intrinsics = self._intrinsics
        if intrinsics is None and entry["focal"] is not None:
            intrinsics = focal_intrinsics(entry["focal"], image.shape[:2])
        return Frame(image, read_depth(self.folder / entry["depth"], self.depth_scale), intrinsics, str(path))


def sanity_range(source: FolderPairs) -> str:
    """Return a sentence with the least, median and greatest depth [m] of up to 16 files spread over the
    split.

    Raises `InputError` when the median is implausible, or when nothing was measured in any of them.
    """
    entries = source.entries()
    chosen = np.unique(np.linspace(0, len(entries) - 1, SANITY_FILES).round().astype(int))
    depths = [read_depth(source.folder / entries[index]["depth"], source.depth_scale) for index in chosen]
    measured = np.concatenate([depth[depth > 0] for depth in depths])
    if not measured.size:
        raise InputError(f"{source.folder}: the {len(chosen)} depth maps looked at are 0 (no measurement) everywhere")
    median = float(np.median(measured))
    spread = f"min {measured.min():.3g} m, median {median:.3g} m, max {measured.max():.3g} m"
    if not PLAUSIBLE_MEDIAN[0] <= median <= PLAUSIBLE_MEDIAN[1]:
        raise InputError(
            f"{source.folder}: depth_scale={source.depth_scale:g} gives {spread}, which is no "
            "photographed scene; depth_scale is the file's units per metre: 1000 for millimetres, 5000 for "
            "TUM RGB-D, 1 for metres"
        )
    return f"RGBDFolder: depth of {len(chosen)} files at depth_scale={source.depth_scale:g}: {spread}"


def _list_pairs(
    root: Path,
    split: str,
    rgb_dir: str,
    depth_dir: str,
    split_file: str | Path | None,
    test_every: int | None,
) -> list[dict]:
    """Return the pairs of the split, from its list or by stem."""
    if split not in SPLITS:
        raise InputError(f"split='{split}': expected one of {', '.join(SPLITS)}")
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected one with {rgb_dir}/ and {depth_dir}/")
    if test_every is not None and test_every < 2:
        raise InputError(f"test_every={test_every}: expected 2 or more (each so-manieth pair is a test pair)")
    own_list = root / f"{split}.txt"
    if split_file is not None and test_every is not None:
        raise InputError("split_file and test_every: two ways to say what the split is; give one of them")
    if split_file is None and split != "all" and own_list.is_file():
        split_file = own_list
    if split_file is not None:
        return _listed_pairs(root, rgb_dir, depth_dir, Path(split_file).expanduser())
    pairs = list(_pairs_by_stem(root, rgb_dir, depth_dir).values())
    if split == "all":
        return pairs
    if test_every is None:
        raise InputError(
            f"{own_list}: no list of the {split} split; write one, or give test_every=10 to hold out each tenth pair"
        )
    chosen = [pair for index, pair in enumerate(pairs) if (index % test_every == test_every - 1) == (split == "test")]
    if not chosen:
        raise InputError(f"{root}: test_every={test_every} leaves no {split} pair of the {len(pairs)} there are")
    return chosen


def _listed_pairs(root: Path, rgb_dir: str, depth_dir: str, path: Path) -> list[dict]:
    lines = read_split_list(path)
    if any(len(line.columns) == 1 for line in lines):
        by_stem = _pairs_by_stem(root, rgb_dir, depth_dir)
        return [_pair_of_name(line, by_stem, path) for line in lines]
    pairs = []
    for line in lines:
        if len(line.columns) > 3:
            raise InputError(f"{path}, line {line.number}: expected a name, or 'rgb depth [focal_px]'")
        focal = parse_focal(line.columns[2], path, line.number) if len(line.columns) == 3 else None
        pairs.append({"rgb": line.columns[0], "depth": line.columns[1], "focal": focal})
    return pairs


def _pair_of_name(line: SplitLine, by_stem: dict[str, dict], path: Path) -> dict:
    if len(line.columns) != 1:
        raise InputError(f"{path}, line {line.number}: other lines hold one name; expected one here too")
    name = line.columns[0]
    # A name may have dots of its own, so its suffix counts as one only where it is a picture's.
    stem = str(Path(name).with_suffix("")) if Path(name).suffix.lower() in IMAGE_SUFFIXES else name
    if stem not in by_stem:
        raise InputError(f"{path}, line {line.number}: there is no picture '{name}' with a depth map")
    return by_stem[stem]


def _pairs_by_stem(root: Path, rgb_dir: str, depth_dir: str) -> dict[str, dict]:
    """Return {stem: pair}, sorted; the stem is the path below its folder without the suffix."""
    pictures = _files_by_stem(root / rgb_dir, IMAGE_SUFFIXES, "pictures")
    depths = _files_by_stem(root / depth_dir, DEPTH_SUFFIXES, "depth maps")
    lonely = [stem for stem in pictures if stem not in depths]
    if lonely:
        raise InputError(
            f"{root / rgb_dir / pictures[lonely[0]]}: has no depth map of the same name in {depth_dir}/, the "
            f"first of {len(lonely)} such pictures; complete them, or pair them in a split list 'rgb depth'"
        )
    return {
        stem: {"rgb": f"{rgb_dir}/{pictures[stem]}", "depth": f"{depth_dir}/{depths[stem]}", "focal": None}
        for stem in sorted(pictures)
    }


def _files_by_stem(folder: Path, suffixes: frozenset[str], what: str) -> dict[str, str]:
    """Return {stem: path below `folder`} for the files with one of `suffixes`."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        name = path.relative_to(folder).as_posix()
        stem = name[: -len(path.suffix)]
        if stem in found:
            raise InputError(f"{folder}: '{found[stem]}' and '{name}' have one stem; only one of them can be paired")
        found[stem] = name
    if not found:
        raise InputError(f"{folder}: no {what} there; expected files {', '.join(sorted(suffixes))}")
    return found
