"""Predict the depth of many images and save the results."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from tqdm import tqdm

from depthkit.apis.contact_sheet import ContactSheet
from depthkit.apis.focal import FocalRequest, check_focal
from depthkit.apis.held_results import HeldResults
from depthkit.apis.image_batches import check_batch_size
from depthkit.apis.image_plan import PlannedImage, make_plan
from depthkit.apis.predict_ahead import PredictAhead, Predicted
from depthkit.apis.result import RANGE_OF_RELATIVE, DepthResult
from depthkit.apis.result_files import choose_outputs
from depthkit.apis.save_behind import SaveBehind
from depthkit.apis.saved_prediction import (
    FailedPrediction,
    SavedPrediction,
    describe_saved,
    report,
    report_assumptions,
)
from depthkit.apis.source_record import SourceRecord
from depthkit.errors import InputError
from depthkit.utils.input_files import MAX_PIXELS
from depthkit.utils.output_folder import make_output_folder
from depthkit.visualization.color_range import SharedRange, check_metres
from depthkit.visualization.palette import check_colormap

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor


class Predictions(NamedTuple):
    """What became of many images, each in the order in which they were given.

    Attributes:
        saved: what is known about those that were predicted and saved.
        failed: those that could not be.
        skipped: those whose results were complete before.
    """

    saved: list[SavedPrediction]
    failed: list[FailedPrediction]
    skipped: list[Path]


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
    batch_size: int = 1,
    mirrored: Sequence[Path] = (),
    skip_existing: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Predictions:
    """Predict images and save the results, with a progress bar on a terminal.

    Threads read the next images and save the last results while the network runs; what waits in memory is bounded
    (`PredictAhead`, `SaveBehind`). The results are those of `DepthPredictor` for each image alone, to the last bit;
    with a `batch_size` above 1, but for rounding.

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
        batch_size: how many images of one size go through the network together.
        mirrored: folders; results of images below them lie in the same subfolders of `out_dir`.
        skip_existing: leave out images whose results are there, complete and of the same image, as `SourceRecord` of
            an earlier run says that had it, too, or had several images. A shared range and a contact sheet are those of
            the others.
        max_pixels: an image that has more is read at 1/2, 1/3 ... of its sides, and its results have that size.

    Returns:
        What became of the images.

    Raises:
        InputError: a result cannot be written, or would replace one of the images; the range is empty, or given for a
            relative model; an output or the colormap is unknown; `focal` is not a focal length; `classes` of a model
            without a classifier; a format's package is not installed.
    """
    if classes and not predictor.has_classes:
        raise InputError(
            "classes: this model has no classifier; use a config such as configs/depth_and_classes_tiny.py"
        )
    focal = check_focal(focal)
    check_batch_size(batch_size)
    shared = depth_range == "shared"
    if depth_range is not None:
        if not shared:
            check_metres(depth_range)
        if predictor.kind == "relative":
            raise InputError(RANGE_OF_RELATIVE)
    if colormap is not None:
        check_colormap(colormap)
    outputs = choose_outputs(outputs, predictor.kind)
    folder = make_output_folder(out_dir)
    plan = make_plan(images, folder, mirrored, predictor.kind, outputs)
    records = {of_folder: SourceRecord(of_folder) for of_folder in {one.folder for one in plan}}
    skipped = {one for one in plan if skip_existing and one.is_done(records[one.folder])}
    if skipped:
        print(f"skipped: {len(skipped)} of {len(plan)} images, whose results are complete in {folder}")
    failed: dict[PlannedImage, str] = {}
    todo = [one for one in plan if one not in skipped and _has_usable_names(one, failed)]
    _forget_replaced(todo, records)
    recorded = skip_existing or len(plan) > 1
    done: dict[PlannedImage, SavedPrediction] = {}
    begin = time.monotonic()
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(total=len(todo), unit="image", disable=None))

        def is_predicted(one: Predicted) -> bool:
            place, outcome = one
            if isinstance(outcome, InputError):
                _fail(todo[place], outcome, failed)
            if shared or isinstance(outcome, InputError):
                bar.update()
            return not isinstance(outcome, InputError)

        def save(place: int, result: DepthResult) -> SavedPrediction:
            of = todo[place]
            saved = result.save(of.folder, of.stem, outputs, depth_range, colormap, remove_flying_pixels)
            if of.source is not None and recorded:
                records[of.folder].add(of.results, of.source)
            return describe_saved(of.image, result, saved, classes)

        writer = stack.enter_context(SaveBehind(save))
        reader = PredictAhead(predictor, [one.image for one in todo], focal, batch_size, max_pixels)
        results = filter(is_predicted, stack.enter_context(reader))
        if shared:
            held = stack.enter_context(HeldResults(folder))
            results, depth_range = _wait_for_range(results, held)
            bar.reset(len(held))
            bar.set_description("saving")
        sheet = None if contact_sheet is None else ContactSheet(contact_sheet, depth_range, colormap)
        if sheet is not None:
            results = map(partial(_put_on_sheet, sheet, todo), results)
        for place, saved in writer.save_all(results):
            done[todo[place]] = saved
            report(saved, predictor.can_follow_focal)
            bar.update()
    if sheet is not None:
        sheet.finish()
        for page in sheet.pages:
            print(f"contact sheet: {page}")
    if len(done) > 1:
        seconds = time.monotonic() - begin
        print(f"{len(done)} images in {seconds:.1f} s: {len(done) / seconds:.3g} images a second")
    in_order = [done[one] for one in plan if one in done]
    report_assumptions(in_order)
    return Predictions(
        in_order,
        [FailedPrediction(one.image, failed[one]) for one in plan if one in failed],
        [one.image for one in plan if one in skipped],
    )


def _forget_replaced(todo: Sequence[PlannedImage], records: dict[Path, SourceRecord]) -> None:
    replaced = defaultdict(list)
    for one in todo:
        replaced[one.folder] += one.results
    for folder, results in replaced.items():
        records[folder].forget(results)


def _has_usable_names(one: PlannedImage, failed: dict[PlannedImage, str]) -> bool:
    try:
        one.check_names()
    except InputError as error:
        _fail(one, error, failed)
    return one not in failed


def _fail(one: PlannedImage, error: InputError, failed: dict[PlannedImage, str]) -> None:
    tqdm.write(f"error: {error}", file=sys.stderr)
    failed[one] = str(error)


def _put_on_sheet(sheet: ContactSheet, images: Sequence[PlannedImage], one: Predicted) -> Predicted:
    place, result = one
    sheet.add(result, images[place].image.name)
    return one


def _wait_for_range(results: Iterator[Predicted], held: HeldResults) -> tuple[Iterator[Predicted], tuple[float, float]]:
    """Predict and hold all results; return them, and the range of colours [m] that they share."""
    range_of_all, places = SharedRange(), []
    for place, result in results:
        range_of_all.add(result.values)
        held.hold(result)
        places.append(place)
    low, high = range_of_all.ends()
    print(f"colours: {low:g} to {high:g} m, shared by {len(places)} images")
    return zip(places, held.release(), strict=True), (low, high)
