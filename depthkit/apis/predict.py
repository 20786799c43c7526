"""Predict the depth of many images and save the results."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tqdm import tqdm

from depthkit.apis.contact_sheet import ContactSheet
from depthkit.apis.focal import FocalRequest, check_focal
from depthkit.apis.held_results import HeldResults
from depthkit.apis.result import RANGE_OF_RELATIVE, DepthResult
from depthkit.apis.result_files import choose_outputs, output_paths
from depthkit.apis.saved_prediction import (
    FailedPrediction,
    SavedPrediction,
    describe_saved,
    report,
    report_assumptions,
)
from depthkit.errors import InputError
from depthkit.utils.image_files import check_not_inputs, unique_stems
from depthkit.utils.output_file import check_file_name
from depthkit.utils.output_folder import make_output_folder
from depthkit.visualization.color_range import SharedRange, check_range
from depthkit.visualization.palette import check_colormap

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor

_Named = tuple[Path, str]  # an image, and how the names of its results begin


def predict_images(
    predictor: "DepthPredictor",
    images: Sequence[Path],
    out_dir: str | Path,
    focal: FocalRequest = None,
    outputs: Sequence[str] | None = None,
    depth_range: tuple[float, float] | Literal["shared"] | None = None,
    colormap: str | None = None,
    remove_flying_pixels: bool = False,
    contact_sheet: str | Path | None = None,
    classes: bool = False,
) -> tuple[list[SavedPrediction], list[FailedPrediction]]:
    """Predict images and save the results, with a progress bar on a terminal.

    An image that cannot be read, or whose results cannot have their names, is reported on stderr, and the others are
    still predicted. What is to know about many images is said once, at the end.

    Args:
        predictor: the model.
        images: files, in any order; results of images with the same name get different names.
        out_dir: made if it does not exist.
        focal: focal length [px] of all images, or ``exif``; see `DepthPredictor`.
        outputs: what to write for each image, see `choose_outputs`.
        depth_range: ends of the colour bar [m]; ``shared``: readable ones for all images together, whose results wait
            on the disk until all are predicted; None for those of `DepthResult.color_range`.
        colormap: see `DepthResult.colored`.
        remove_flying_pixels: from points and meshes.
        contact_sheet: file of a `ContactSheet` of all results.
        classes: also print the likeliest classes of each image.

    Returns:
        What was saved, for each image that could be predicted, and the others.

    Raises:
        InputError: a result cannot be written, or would replace one of the images; the range is empty, or given for a
            relative model; an output or the colormap is unknown; `focal` is not a focal length; `classes` of a model
            without a classifier; a format's package is not installed.
    """
    if classes and not predictor.has_classes:
        raise InputError(
            "classes: this model has no classifier; use a config such as configs/depth_and_classes_tiny.py"
        )
    check_focal(focal)
    shared = depth_range == "shared"
    if depth_range is not None:
        if not shared:
            check_range(depth_range)
        if predictor.kind == "relative":
            raise InputError(RANGE_OF_RELATIVE)
    if colormap is not None:
        check_colormap(colormap)
    outputs = choose_outputs(outputs, predictor.kind)
    folder = make_output_folder(out_dir)
    plan = list(zip(images, unique_stems(images), strict=True))
    paths = [list(output_paths(folder, stem, predictor.kind, outputs).values()) for _, stem in plan]
    check_not_inputs([path for files in paths for path in files], images)
    done: list[SavedPrediction] = []
    failed: list[FailedPrediction] = []
    with ExitStack() as stack:
        results = _predict(predictor, list(zip(plan, paths, strict=True)), focal, failed)
        if shared:
            held = stack.enter_context(HeldResults(folder))
            results, depth_range = _wait_for_range(results, held)
        sheet = None if contact_sheet is None else ContactSheet(contact_sheet, depth_range, colormap)
        for (image, stem), result in results:
            saved = result.save(folder, stem, outputs, depth_range, colormap, remove_flying_pixels)
            done.append(describe_saved(image, result, saved, depth_range, classes))
            report(done[-1], predictor.can_follow_focal)
            if sheet is not None:
                sheet.add(result, image.name)
    if sheet is not None:
        sheet.finish()
        for page in sheet.pages:
            print(f"contact sheet: {page}")
    report_assumptions(done)
    return done, failed


def _predict(
    predictor: "DepthPredictor",
    plan: list[tuple[_Named, list[Path]]],
    focal: FocalRequest,
    failed: list[FailedPrediction],
) -> Iterator[tuple[_Named, DepthResult]]:
    """Yield the images of a plan, which has the files of each, with their depth; note those that fail."""
    for (image, stem), paths in tqdm(plan, unit="image", disable=None):
        try:
            for path in paths:
                check_file_name(path)
            result = predictor(image, focal)
        except InputError as error:
            tqdm.write(f"error: {error}", file=sys.stderr)
            failed.append(FailedPrediction(image, str(error)))
            continue
        yield (image, stem), result


def _wait_for_range(
    results: Iterator[tuple[_Named, DepthResult]], held: HeldResults
) -> tuple[Iterator[tuple[_Named, DepthResult]], tuple[float, float]]:
    """Predict and hold all results; return them, and the range of colours [m] that they share."""
    range_of_all, named = SharedRange(), []
    for one, result in results:
        range_of_all.add(result.values)
        held.hold(result)
        named.append(one)
    low, high = range_of_all.ends()
    print(f"colours: {low:g} to {high:g} m, shared by {len(named)} images")
    return zip(tqdm(named, unit="image", desc="saving", disable=None), held.release(), strict=True), (low, high)
