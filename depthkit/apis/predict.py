"""Many photos: which ones a command line means, what their results are called, and predicting them all."""

import glob
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from depthkit.apis.result import output_paths
from depthkit.errors import InputError
from depthkit.utils.io import IMAGE_SUFFIXES
from depthkit.utils.output_folder import make_output_folder
from depthkit.visualization.depth_map import check_range

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor
    from depthkit.apis.result import DepthResult


def find_photos(patterns: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The photos that `patterns` name: files, folders (the pictures right in them), globs (also ``**``).

    A file is taken whatever its suffix, so that what it is gets checked when it is read.

    Returns:
        the photos, in the order of the patterns and sorted within one, each once; and one sentence for every
        pattern that names none.
    """
    photos: dict[Path, Path] = {}
    problems = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            found = [file for file in sorted(path.iterdir()) if _is_picture(file)]
            problem = f"{pattern}: no pictures in this folder; expected {', '.join(sorted(IMAGE_SUFFIXES))}"
        elif path.exists():  # also a file whose name has a bracket or a star in it
            found, problem = [path], ""
        elif glob.has_magic(str(path)):
            found = [file for file in map(Path, sorted(glob.glob(str(path), recursive=True))) if file.is_file()]
            problem = f"{pattern}: no file matches; check the pattern"
        else:
            found, problem = [], f"{pattern}: no such file or folder"
        if not found:
            problems.append(problem)
        for file in found:
            photos.setdefault(file.resolve(), file)
    return list(photos.values()), problems


def unique_stems(photos: Sequence[Path]) -> list[str]:
    """A name for the results of each photo: its stem, or where photos share that, its folder and full name.

    Photos that share these too are numbered. Names that differ only in case count as the same, because many
    file systems think so.
    """
    stems = [photo.stem for photo in photos]
    for make_name in (_with_suffix, _with_folder):
        stems = [
            make_name(photo) if shared else stem
            for photo, stem, shared in zip(photos, stems, _shared(stems), strict=True)
        ]
    names: list[str] = []
    taken: set[str] = set()
    for stem in stems:
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def check_not_photos(results: Sequence[Path], photos: Sequence[Path]) -> None:
    """Raise InputError if one of the files in `results`, to be written, is one of the photos."""
    sources = {photo.resolve() for photo in photos}
    for path in results:
        if path.resolve() in sources:
            raise InputError(f"{path}: is one of the photos and would be overwritten; choose another output folder")


def predict_photos(
    predictor: "DepthPredictor",
    photos: Sequence[Path],
    out_dir: str | Path,
    depth_range: tuple[float, float] | None = None,
    side_by_side: bool = False,
    point_cloud: bool = False,
    classes: bool = False,
) -> int:
    """Predict photos and save the results (`output_paths`), with a progress bar on a terminal.

    A photo that cannot be read is reported on stderr, and the rest go on.

    Args:
        predictor: the model.
        photos: files, in any order; results of photos with the same name get different ones.
        out_dir: made if it is not there.
        depth_range: ends of the colour bar [m]; None for `DepthResult.depth_range`.
        side_by_side: also save photo | depth map.
        point_cloud: also save a point cloud.
        classes: also print the likeliest classes of each photo.

    Returns:
        how many photos could not be read.

    Raises:
        InputError: a result cannot be written, or would replace one of the photos; the range is empty; `classes` of
            a model without a classifier.
    """
    if classes and not predictor.has_classes:
        raise InputError(
            "classes: this model has no classifier; use a config such as configs/depth_and_classes_tiny.py"
        )
    if depth_range is not None:
        check_range(depth_range)
    folder = make_output_folder(out_dir)
    stems = unique_stems(photos)
    check_not_photos([p for s in stems for p in output_paths(folder, s, side_by_side, point_cloud).values()], photos)
    failed = 0
    for photo, stem in zip(tqdm(photos, unit="photo", disable=None), stems, strict=True):
        try:
            result = predictor(photo)
        except InputError as error:
            tqdm.write(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        saved = result.save(folder, stem, depth_range, side_by_side, point_cloud)
        tqdm.write(f"{photo} -> {saved.paths['colored']} ({_span(result)})", file=sys.stdout)
        for name, score in result.classes if classes else ():
            tqdm.write(f"{100 * score:7.1f} %  {name}", file=sys.stdout)
        if saved.saturated:
            tqdm.write(
                f"warning: {photo}: {saved.saturated} pixels are beyond the 65.535 m that {stem}_depth.png can "
                f"hold; {stem}_depth.npy has them",
                file=sys.stderr,
            )
        if point_cloud and result.focal_length is None:
            tqdm.write(
                f"warning: {photo}: has no focal length in its EXIF; {stem}_points.ply assumes that of NYU "
                "Depth V2's camera",
                file=sys.stderr,
            )
    return failed


def _span(result: "DepthResult") -> str:
    depth = result.depth[result.valid]
    return f"{depth.min():.2f} to {depth.max():.2f} m" if depth.size else "no valid depth"


def _with_suffix(photo: Path) -> str:
    return f"{photo.stem}_{photo.suffix[1:]}" if photo.suffix else photo.stem


def _with_folder(photo: Path) -> str:
    return f"{photo.resolve().parent.name}_{_with_suffix(photo)}"


def _shared(names: Sequence[str]) -> list[bool]:
    folded = [name.casefold() for name in names]
    counts = Counter(folded)
    return [counts[name] > 1 for name in folded]


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
