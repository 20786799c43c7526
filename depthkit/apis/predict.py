"""Predict the depth of many images and save the results."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from depthkit.apis.focal import FocalRequest, check_focal
from depthkit.apis.result import DepthResult, FocalSource, SavedFiles, output_paths
from depthkit.errors import InputError
from depthkit.utils.image_files import check_not_inputs, unique_stems
from depthkit.utils.output_folder import make_output_folder
from depthkit.visualization.depth_map import check_range

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor


@dataclass(frozen=True)
class SavedPrediction:
    """What is known about an image after its depth was saved.

    Attributes:
        image: the image's file.
        files: the results by kind, see `depthkit.apis.result.output_paths`.
        saturated: number of pixels beyond the 65.535 m that the 16-bit PNG can hold.
        min_depth: smallest valid depth [m], None if no pixel has one.
        max_depth: largest valid depth [m].
        focal_length: [px], at the image's size; None where it is not known.
        focal_source: where it is from: ``given``, ``exif`` or ``assumed``; None where it is not known.
        classes: names and probabilities of the likeliest classes, if asked.
    """

    image: Path
    files: dict[str, Path]
    saturated: int
    min_depth: float | None
    max_depth: float | None
    focal_length: float | None
    focal_source: FocalSource | None
    classes: tuple[tuple[str, float], ...]


def predict_images(
    predictor: "DepthPredictor",
    images: Sequence[Path],
    out_dir: str | Path,
    focal: FocalRequest = None,
    depth_range: tuple[float, float] | None = None,
    side_by_side: bool = False,
    point_cloud: bool = False,
    classes: bool = False,
) -> list[SavedPrediction]:
    """Predict images and save the results, with a progress bar on a terminal.

    An image that cannot be read is reported on stderr, and the others are still predicted.

    Args:
        predictor: the model.
        images: files, in any order; results of images with the same name get different names.
        out_dir: made if it does not exist.
        focal: focal length [px] of all images, or ``exif``; see `DepthPredictor`.
        depth_range: ends of the colour bar [m]; None for `DepthResult.depth_range`.
        side_by_side: also save image | depth map.
        point_cloud: also save a point cloud.
        classes: also print the likeliest classes of each image.

    Returns:
        What was saved, for each image that could be read.

    Raises:
        InputError: a result cannot be written, or would replace one of the images; the range is empty; `focal` is
            not a focal length; `classes` of a model without a classifier.
    """
    if classes and not predictor.has_classes:
        raise InputError(
            "classes: this model has no classifier; use a config such as configs/depth_and_classes_tiny.py"
        )
    check_focal(focal)
    if depth_range is not None:
        check_range(depth_range)
    folder = make_output_folder(out_dir)
    stems = unique_stems(images)
    check_not_inputs([p for s in stems for p in output_paths(folder, s, side_by_side, point_cloud).values()], images)
    done = []
    for image, stem in zip(tqdm(images, unit="image", disable=None), stems, strict=True):
        try:
            result = predictor(image, focal)
        except InputError as error:
            tqdm.write(f"error: {error}", file=sys.stderr)
            continue
        saved = result.save(folder, stem, depth_range, side_by_side, point_cloud)
        done.append(_describe(image, result, saved, classes))
        _report(done[-1])
    return done


def _describe(image: Path, result: DepthResult, saved: SavedFiles, classes: bool) -> SavedPrediction:
    depth = result.depth[result.valid]
    ends = (float(depth.min()), float(depth.max())) if depth.size else (None, None)
    camera = (result.focal_length, result.focal_source)
    return SavedPrediction(image, saved.paths, saved.saturated, *ends, *camera, result.classes if classes else ())


def _report(done: SavedPrediction) -> None:
    """Print what was saved, and what to know about it."""
    empty = done.min_depth is None
    span = "no valid depth" if empty else f"{done.min_depth:.2f} to {done.max_depth:.2f} m"
    camera = "" if done.focal_source is None else f"; focal length {done.focal_length:.4g} px, {done.focal_source}"
    tqdm.write(f"{done.image} -> {done.files['colored']} ({span}{camera})", file=sys.stdout)
    for name, score in done.classes:
        tqdm.write(f"{100 * score:7.1f} %  {name}", file=sys.stdout)
    if done.saturated:
        tqdm.write(
            f"warning: {done.image}: {done.saturated} pixels are beyond the 65.535 m that "
            f"{done.files['depth_png'].name} can hold; {done.files['depth_npy'].name} has them",
            file=sys.stderr,
        )
    if done.focal_source == "assumed":
        tqdm.write(
            f"warning: {done.image}: has no focal length in its EXIF; the metres are those of a camera of "
            f"{done.focal_length:.4g} px (give --focal PX; twice the focal length is twice the metres)",
            file=sys.stderr,
        )
    if "points" in done.files and done.focal_length is None:
        tqdm.write(
            f"warning: {done.image}: has no focal length in its EXIF; {done.files['points'].name} assumes that of NYU "
            "Depth V2's camera",
            file=sys.stderr,
        )
