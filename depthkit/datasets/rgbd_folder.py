"""A user's own RGB-D pairs: a folder of images and a folder of depth maps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from mmengine.logging import print_log
from pydantic import Field

from depthkit.datasets.base_dataset import Every, Indices, Pipeline
from depthkit.datasets.depth_dataset import DepthDataset
from depthkit.datasets.sample import Frame
from depthkit.datasets.split_list import SplitLine, check_no_missing, missing_files, parse_focal, read_split_list
from depthkit.datasets.transforms.checks import expected
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.camera import focal_intrinsics, pinhole
from depthkit.utils.image_files import IMAGE_SUFFIXES, list_images
from depthkit.utils.io import DEPTH_SUFFIXES, read_depth, read_rgb
from depthkit.utils.paths import expand_home
from depthkit.utils.validation import Positive, validate_arguments

RGB_DIR, DEPTH_DIR = "rgb", "depth"
SANITY_FILES = 16
# A median outside this range means a wrong depth_scale rather than a scene: from a macro shot to a street.
PLAUSIBLE_MEDIAN = (0.05, 200.0)  # [m]

Split = Literal["train", "test", "all"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Camera = Annotated[tuple[Positive, Positive, Finite, Finite], expected("(fx, fy, cx, cy) in pixels")]


@DATASETS.register_module()
class RGBDFolder(DepthDataset):
    """Images in `rgb_dir` and depth maps in `depth_dir`, paired by file stem or by a split list.

    The splits "train" and "test" come from `split_file` or from ``data_root/{split}.txt``. A line is the name of an
    image in `rgb_dir` ("0001" or "0001.jpg"), or ``rgb depth [focal_px]`` with paths relative to `data_root`. Without
    lists, ``test_every=10`` holds out every 10th pair (sorted by name) as the test split. The split "all" takes every
    pair. The depth range of a sample of the files is printed in metres.

    Args:
        data_root: the folder that holds the others.
        depth_scale: units of the depth files per metre: 1000 for millimetres, 5000 for TUM RGB-D, 1 for metres.
        split: ``train``, ``test`` or ``all``.
        rgb_dir: folder of the images, relative to `data_root`; its subfolders are searched too. Not beside a list of
            ``rgb depth``.
        depth_dir: folder of the depth maps, likewise.
        split_file: list of the split's pairs.
        test_every: hold out every N-th pair as the test split.
        intrinsics: (fx, fy, cx, cy) [px] of the images, if known.
        pipeline: transforms, the last of them `PackDepthInputs`.
        indices: take only the first N pairs, or those at these places.

    Raises:
        InputError: an image without depth, a missing file or split, an implausible range of depth, or an argument
            out of range; when it is read, a damaged frame.
    """

    @validate_arguments
    def __init__(
        self,
        data_root: str | Path,
        depth_scale: Positive,
        split: Split = "train",
        rgb_dir: str = RGB_DIR,
        depth_dir: str = DEPTH_DIR,
        split_file: str | Path | None = None,
        test_every: Every | None = None,
        intrinsics: Camera | None = None,
        pipeline: Pipeline = None,
        indices: Indices = None,
    ) -> None:
        root = expand_home(data_root)
        pairs = _list_pairs(root, split, rgb_dir, depth_dir, split_file, test_every)
        camera = None if intrinsics is None else pinhole(*intrinsics)
        source = FolderPairs(root, f"form folder, split {split}, {root}", pairs, depth_scale, camera)
        super().__init__(source, pipeline, test_mode=split == "test", indices=indices)
        print_log(_sanity_range(source), logger="current")


@dataclass
class FolderPairs:
    """The source of `RGBDFolder`.

    Attributes:
        folder: what the names in `pairs` are relative to.
        description: for the log.
        pairs: ``{"rgb", "depth", "focal"}`` for each pair; focal length [px] or None.
        depth_scale: units of the depth files per metre.
        intrinsics: camera matrix (3, 3) [px] of all images; None: from the focal length, if there is one.
    """

    folder: Path
    description: str
    pairs: list[dict]
    depth_scale: float
    intrinsics: np.ndarray | None

    def entries(self) -> list[dict]:
        """Return the pairs; raise `InputError` if a file of any is missing."""
        names = [name for pair in self.pairs for name in (pair["rgb"], pair["depth"])]
        check_no_missing(self.folder, missing_files(self.folder, names), "the split")
        return list(self.pairs)

    def read(self, entry: dict) -> Frame:
        """Read the frame of a pair."""
        path = self.folder / entry["rgb"]
        image = read_rgb(path)
        intrinsics = self.intrinsics
        if intrinsics is None and entry["focal"] is not None:
            intrinsics = focal_intrinsics(entry["focal"], image.shape[:2])
        return Frame(image, read_depth(self.folder / entry["depth"], self.depth_scale), intrinsics, str(path))


def _sanity_range(source: FolderPairs) -> str:
    """Describe the depth [m] of some files spread over the split; raise `InputError` if it is implausible."""
    entries = source.entries()
    chosen = np.unique(np.linspace(0, len(entries) - 1, SANITY_FILES).round().astype(int))
    depths = [read_depth(source.folder / entries[index]["depth"], source.depth_scale) for index in chosen]
    measured = np.concatenate([depth[depth > 0] for depth in depths])
    if not measured.size:
        raise InputError(
            f"{source.folder}: {len(chosen)} of its depth maps were read; all are 0 (no measurement); check the files"
        )
    median = float(np.median(measured))
    spread = f"min {measured.min():.3g} m, median {median:.3g} m, max {measured.max():.3g} m"
    if not PLAUSIBLE_MEDIAN[0] <= median <= PLAUSIBLE_MEDIAN[1]:
        raise InputError(
            f"{source.folder}: depth_scale={source.depth_scale:g} gives {spread}, which cannot be right; depth_scale "
            "is the file's units per metre: 1000 for millimetres, 5000 for TUM RGB-D, 1 for metres"
        )
    return f"RGBDFolder: depth of {len(chosen)} files at depth_scale={source.depth_scale:g}: {spread}"


def _list_pairs(
    root: Path, split: Split, rgb_dir: str, depth_dir: str, split_file: str | Path | None, test_every: int | None
) -> list[dict]:
    """Return the pairs of the split, from its list or by stem."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected one with {rgb_dir}/ and {depth_dir}/")
    if split_file is not None and test_every is not None:
        raise InputError("split_file and test_every: both define the split; give only one of them")
    own_list = root / f"{split}.txt"
    if split_file is None and split != "all" and own_list.is_file():
        split_file = own_list
    if split_file is not None:
        return _listed_pairs(root, rgb_dir, depth_dir, expand_home(split_file))
    pairs = list(_pairs_by_stem(root, rgb_dir, depth_dir).values())
    if split == "all":
        return pairs
    if test_every is None:
        raise InputError(
            f"{own_list}: no list of the {split} split; write one, or give test_every=10 to hold out every 10th pair"
        )
    chosen = [pair for index, pair in enumerate(pairs) if (index % test_every == test_every - 1) == (split == "test")]
    if not chosen:
        raise InputError(f"{root}: test_every={test_every} leaves no {split} pair; there are {len(pairs)} pairs")
    return chosen


def _listed_pairs(root: Path, rgb_dir: str, depth_dir: str, path: Path) -> list[dict]:
    lines = read_split_list(path)
    if any(len(line.columns) == 1 for line in lines):
        by_stem = _pairs_by_stem(root, rgb_dir, depth_dir)
        return [_pair_of_name(line, by_stem, path) for line in lines]
    if (rgb_dir, depth_dir) != (RGB_DIR, DEPTH_DIR):
        raise InputError(
            f"rgb_dir={rgb_dir!r}, depth_dir={depth_dir!r}: {path} names the files below {root} itself; leave both out"
        )
    pairs = []
    for line in lines:
        if len(line.columns) > 3:
            raise InputError(f"{path}, line {line.number}: expected a name, or 'rgb depth [focal_px]'")
        focal = parse_focal(line.columns[2], path, line.number) if len(line.columns) == 3 else None
        pairs.append({"rgb": line.columns[0], "depth": line.columns[1], "focal": focal})
    return pairs


def _pair_of_name(line: SplitLine, by_stem: dict[str, dict], path: Path) -> dict:
    if len(line.columns) != 1:
        raise InputError(f"{path}, line {line.number}: other lines contain one name; expected one here too")
    name = line.columns[0]
    # A name may contain dots, so its suffix counts as one only if images have it.
    stem = str(Path(name).with_suffix("")) if Path(name).suffix.lower() in IMAGE_SUFFIXES else name
    if stem not in by_stem:
        raise InputError(f"{path}, line {line.number}: there is no image '{name}' with a depth map")
    return by_stem[stem]


def _pairs_by_stem(root: Path, rgb_dir: str, depth_dir: str) -> dict[str, dict]:
    """Return {stem: pair}, sorted; the stem is the path below its folder without the suffix."""
    images = _files_by_stem(root / rgb_dir, IMAGE_SUFFIXES, "images")
    depths = _files_by_stem(root / depth_dir, DEPTH_SUFFIXES, "depth maps")
    lonely = [stem for stem in images if stem not in depths]
    if lonely:
        raise InputError(
            f"{root / rgb_dir / images[lonely[0]]}: has no depth map of the same name in {depth_dir}/, the first of "
            f"{len(lonely)} such images; complete them, or pair them in a split list 'rgb depth'"
        )
    return {
        stem: {"rgb": f"{rgb_dir}/{images[stem]}", "depth": f"{depth_dir}/{depths[stem]}", "focal": None}
        for stem in sorted(images)
    }


def _files_by_stem(folder: Path, suffixes: frozenset[str], what: str) -> dict[str, str]:
    """Return {stem: path below `folder`} for the files with one of `suffixes`."""
    found: dict[str, str] = {}
    for path in list_images(folder, recursive=True, suffixes=suffixes) if folder.is_dir() else []:
        name = path.relative_to(folder).as_posix()
        stem = name[: -len(path.suffix)]
        if stem in found:
            raise InputError(f"{folder}: '{found[stem]}' and '{name}' have the same name without suffix; remove one")
        found[stem] = name
    if not found:
        raise InputError(f"{folder}: no {what} there; expected files {', '.join(sorted(suffixes))}")
    return found
