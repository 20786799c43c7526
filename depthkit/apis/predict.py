"""Many photos: which ones a command line means, what their results are called, and predicting them all."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from depthkit.errors import InputError
from depthkit.utils.image_files import check_not_images as check_not_photos
from depthkit.utils.image_files import find_images as find_photos  # noqa: F401
from depthkit.utils.image_files import unique_stems
from depthkit.utils.output_folder import make_output_folder
from depthkit.visualization.depth_map import check_range

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor, DepthResult


def output_paths(
    out_dir: str | Path, stem: str, side_by_side: bool = False, point_cloud: bool = False
) -> dict[str, Path]:
    """The files that `DepthResult.save` writes for a photo, by kind.

    ``_colored.png``; ``_depth.png``, 16-bit [mm]; ``_depth.npy``, float32 [m]; and ``_side_by_side.png`` and
    ``_points.ply`` if asked.
    """
    suffixes = {"colored": "_colored.png", "depth_png": "_depth.png", "depth_npy": "_depth.npy"}
    if side_by_side:
        suffixes["side_by_side"] = "_side_by_side.png"
    if point_cloud:
        suffixes["points"] = "_points.ply"
    return {kind: Path(out_dir) / f"{stem}{suffix}" for kind, suffix in suffixes.items()}


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
        saturated = result.save(folder, stem, depth_range, side_by_side, point_cloud)
        tqdm.write(f"{photo} -> {output_paths(folder, stem)['colored']} ({_span(result)})", file=sys.stdout)
        for name, score in result.classes if classes else ():
            tqdm.write(f"{100 * score:7.1f} %  {name}", file=sys.stdout)
        if saturated:
            tqdm.write(
                f"warning: {photo}: {saturated} pixels are beyond the 65.535 m that {stem}_depth.png can "
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
