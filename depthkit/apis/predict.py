"""Predict the depth of many images and save the results."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from depthkit.apis.focal import FocalRequest, check_focal
from depthkit.apis.result import RANGE_OF_RELATIVE, SHAPE_OF_RELATIVE, DepthResult, FocalSource
from depthkit.apis.result_files import Kind, SavedFiles, output_paths
from depthkit.errors import InputError
from depthkit.utils.float_map import FloatFormat, check_float_format
from depthkit.utils.image_files import check_not_inputs, unique_stems
from depthkit.utils.output_file import check_file_name
from depthkit.utils.output_folder import make_output_folder
from depthkit.visualization.depth_map import check_range

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor

# [degrees] along the longer side: what lies outside is a fisheye or a telescope, or another unit than pixels.
_USUAL_FIELD_OF_VIEW = (15, 140)


@dataclass(frozen=True)
class SavedPrediction:
    """What is known about an image after its depth was saved.

    Attributes:
        image: the image's file.
        files: the results by kind, see `depthkit.apis.result_files.output_paths`.
        kind: ``metric`` or ``relative``.
        unit: of the values: ``m``, or ``none`` for the disparities of a relative result.
        saturated: number of pixels beyond the 65.535 m that the 16-bit PNG can hold.
        min_depth: smallest valid depth [m]; None if no pixel has one or the result is relative.
        max_depth: largest valid depth [m].
        min_disparity: smallest disparity of a relative result; None of a metric one.
        max_disparity: largest disparity of a relative result.
        color_range: ends of the colour bar in this unit, see `DepthResult.color_range`.
        focal_length: [px], at the image's size; None where it is not known.
        focal_source: where it is from: ``given``, ``exif``, ``assumed`` or None.
        metres_follow_focal: whether the metres are those of this focal length; see `DepthResult`.
        field_of_view: [degrees], that the image's longer side spans at this focal length.
        metadata: what else is known by name: the model, its licence and so on.
        classes: names and probabilities of the likeliest classes, if asked.
    """

    image: Path
    files: dict[str, Path]
    kind: Kind
    unit: str
    saturated: int
    min_depth: float | None
    max_depth: float | None
    min_disparity: float | None
    max_disparity: float | None
    color_range: tuple[float, float]
    focal_length: float | None
    focal_source: FocalSource | None
    metres_follow_focal: bool
    field_of_view: float | None
    metadata: dict[str, str]
    classes: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class FailedPrediction:
    """An image that could not be predicted.

    Attributes:
        image: the image's file.
        error: why, one sentence.
    """

    image: Path
    error: str


def predict_images(
    predictor: "DepthPredictor",
    images: Sequence[Path],
    out_dir: str | Path,
    focal: FocalRequest = None,
    depth_range: tuple[float, float] | None = None,
    side_by_side: bool = False,
    point_cloud: bool = False,
    classes: bool = False,
    float_format: FloatFormat = "npy",
) -> tuple[list[SavedPrediction], list[FailedPrediction]]:
    """Predict images and save the results, with a progress bar on a terminal.

    An image that cannot be read, or whose results cannot have their names, is reported on stderr, and the others are
    still predicted. What is to know about many
    images is said once, at the end.

    Args:
        predictor: the model.
        images: files, in any order; results of images with the same name get different names.
        out_dir: made if it does not exist.
        focal: focal length [px] of all images, or ``exif``; see `DepthPredictor`.
        depth_range: ends of the colour bar [m]; None for those of `DepthResult.color_range`.
        side_by_side: also save image | depth map.
        point_cloud: also save a point cloud.
        classes: also print the likeliest classes of each image.
        float_format: of the file of float32 values.

    Returns:
        What was saved, for each image that could be predicted, and the others.

    Raises:
        InputError: a result cannot be written, or would replace one of the images; the range is empty, or given for a
            relative model; `focal` is not a focal length; `classes` of a model without a classifier; the format's
            package is not installed.
    """
    if classes and not predictor.has_classes:
        raise InputError(
            "classes: this model has no classifier; use a config such as configs/depth_and_classes_tiny.py"
        )
    check_focal(focal)
    if depth_range is not None:
        check_range(depth_range)
        if predictor.kind == "relative":
            raise InputError(RANGE_OF_RELATIVE)
    check_float_format(float_format)
    folder = make_output_folder(out_dir)
    stems = unique_stems(images)
    kinds = (predictor.kind, side_by_side, point_cloud, float_format)
    results = [list(output_paths(folder, stem, *kinds).values()) for stem in stems]
    check_not_inputs([path for paths in results for path in paths], images)
    done, failed = [], []
    for image, stem, paths in zip(tqdm(images, unit="image", disable=None), stems, results, strict=True):
        try:
            for path in paths:
                check_file_name(path)
            result = predictor(image, focal)
        except InputError as error:
            tqdm.write(f"error: {error}", file=sys.stderr)
            failed.append(FailedPrediction(image, str(error)))
            continue
        saved = result.save(folder, stem, depth_range, side_by_side, point_cloud, float_format)
        done.append(_describe(image, result, saved, depth_range, classes))
        _report(done[-1], predictor.can_follow_focal)
    _report_assumptions(done)
    return done, failed


def _describe(
    image: Path, result: DepthResult, saved: SavedFiles, depth_range: tuple[float, float] | None, classes: bool
) -> SavedPrediction:
    valid = result.valid
    low, high = (
        float(find(result.values, initial=start, where=valid)) for find, start in ((np.min, np.inf), (np.max, -np.inf))
    )
    ends = (low, high) if low <= high else (None, None)
    metric = result.kind == "metric"
    min_depth, max_depth = ends if metric else (None, None)
    min_disparity, max_disparity = (None, None) if metric else ends
    return SavedPrediction(
        image=image,
        files=saved.paths,
        kind=result.kind,
        unit=result.describe()["unit"],
        saturated=saved.saturated,
        min_depth=min_depth,
        max_depth=max_depth,
        min_disparity=min_disparity,
        max_disparity=max_disparity,
        color_range=result.color_range(depth_range),
        focal_length=result.focal_length,
        focal_source=result.focal_source,
        metres_follow_focal=result.metres_follow_focal,
        field_of_view=result.field_of_view,
        metadata=result.metadata,
        classes=result.classes if classes else (),
    )


def _report(done: SavedPrediction, can_follow_focal: bool) -> None:
    """Print what was saved, and what to know about this image alone."""
    camera = _camera(done, can_follow_focal)
    tqdm.write(f"{done.image} -> {done.files['colored']} ({_span(done)}{camera})", file=sys.stdout)
    for name, score in done.classes:
        tqdm.write(f"{100 * score:7.1f} %  {name}", file=sys.stdout)
    for warning in _warnings(done):
        tqdm.write(f"warning: {done.image}: {warning}", file=sys.stderr)


def _span(done: SavedPrediction) -> str:
    if done.kind == "relative":
        if done.min_disparity is None:
            return "relative, no valid disparity"
        return f"relative, disparity {done.min_disparity:.3g} to {done.max_disparity:.3g}"
    return "no valid depth" if done.min_depth is None else f"{done.min_depth:.2f} to {done.max_depth:.2f} m"


def _camera(done: SavedPrediction, can_follow_focal: bool) -> str:
    """Return what the line says of the focal length, and whether the metres are those of it."""
    unused = done.kind == "metric" and not done.metres_follow_focal
    if done.focal_length is None or (unused and done.focal_source == "assumed"):
        return ""
    if unused and can_follow_focal:
        return f"; the authors' metres, EXIF's {done.focal_length:.4g} px not used: --focal exif applies it"
    return f"; focal length {done.focal_length:.4g} px, {done.focal_source}" + ", not used for metres" * unused


def _warnings(done: SavedPrediction) -> Iterator[str]:
    if done.saturated:
        *_, exact = (path for name, path in done.files.items() if name.startswith("depth_"))
        yield (
            f"{done.saturated} pixels are beyond the 65.535 m that {done.files['depth_png'].name} can hold; "
            f"{exact.name} has them"
        )
    low, high = _USUAL_FIELD_OF_VIEW
    if done.focal_source in ("given", "exif") and not low <= done.field_of_view <= high:
        yield (
            f"a focal length of {done.focal_length:.4g} px ({done.focal_source}) is a field of view of "
            f"{done.field_of_view:.3g} degrees, usual are {low} to {high}; check that it is in pixels of this image"
        )


def _report_assumptions(saved: Sequence[SavedPrediction]) -> None:
    """Print what was assumed, each assumption once."""
    images = defaultdict(list)
    for done in saved:
        for assumption in _assumptions(done):
            images[assumption].append(done.image)
    for assumption, of in images.items():
        print(f"warning: {of[0] if len(of) == 1 else f'{len(of)} images'}: {assumption}", file=sys.stderr)


def _assumptions(done: SavedPrediction) -> Iterator[str]:
    if done.focal_source == "assumed" and done.metres_follow_focal:
        yield (
            "no focal length in EXIF; the metres are those of the assumed one (give --focal PX; twice the focal length "
            "is twice the metres)"
        )
    if "points" not in done.files:
        return
    if done.kind == "relative":
        yield f"the shape of the point cloud is {SHAPE_OF_RELATIVE}; use a metric model, or align the result"
    if done.focal_length is None:
        yield "no focal length in EXIF; the point cloud assumes that of NYU Depth V2's camera"
    elif done.focal_source == "assumed" and not done.metres_follow_focal:
        yield "no focal length in EXIF; the point cloud assumes that of the model's training"
