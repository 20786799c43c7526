"""What is known about an image after its depth was saved, and what is printed about it."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from depthkit.apis.depth_values import FocalSource
from depthkit.apis.result import SHAPE_OF_RELATIVE, DepthResult
from depthkit.apis.result_files import IN_SPACE, WITH_COLOR_BAR, Kind, SavedFiles

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
        color_range: ends of the colour bar in this unit, see `DepthResult.color_range`; also where none was drawn.
        focal_length: [px], at the image's size; None where it is not known.
        focal_source: where it is from: ``given``, ``exif``, ``assumed`` or None.
        metres_follow_focal: whether the metres are those of this focal length; see `DepthResult`.
        field_of_view: [degrees], that the image's longer side spans at this focal length.
        metadata: what else is known by name: the model, its licence and so on.
        classes: names and probabilities of the likeliest classes, if asked.
        reduction: both sides of the image were divided by this number, and so are those of its results.
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
    reduction: int


@dataclass(frozen=True)
class FailedPrediction:
    """An image that could not be predicted.

    Attributes:
        image: the image's file.
        error: why, one sentence.
    """

    image: Path
    error: str


def describe_saved(image: Path, result: DepthResult, saved: SavedFiles, classes: bool) -> SavedPrediction:
    """Say what is known about `image`, whose result was saved."""
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
        color_range=saved.color_range,
        focal_length=result.focal_length,
        focal_source=result.focal_source,
        metres_follow_focal=result.metres_follow_focal,
        field_of_view=result.field_of_view,
        metadata=result.metadata,
        classes=result.classes if classes else (),
        reduction=result.reduction,
    )


def report(done: SavedPrediction, can_follow_focal: bool) -> None:
    """Print what was saved, and what to know about this image alone."""
    camera = _camera(done, can_follow_focal)
    first, *others = done.files.values()
    more = f" and {len(others)} more file{'s' * (len(others) > 1)} in {first.parent}" if others else ""
    size = f"; at 1/{done.reduction} of its size" if done.reduction > 1 else ""
    tqdm.write(f"{done.image} -> {first}{more} ({_span(done)}{_colors(done)}{camera}{size})", file=sys.stdout)
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


def _colors(done: SavedPrediction) -> str:
    """Return what the line says of the colours' range, where there is a bar in metres."""
    if done.kind == "relative" or done.min_depth is None or not WITH_COLOR_BAR & done.files.keys():
        return ""
    low, high = done.color_range
    return f", colours {low:g} to {high:g} m"


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
        exact = [path.name for name, path in done.files.items() if name in ("depth_npy", "depth_tiff", "depth_exr")]
        hint = f"{exact[0]} has them" if exact else "npy among the --outputs would have them"
        yield f"{done.saturated} pixels are beyond the 65.535 m that {done.files['depth_png'].name} can hold; {hint}"
    low, high = _USUAL_FIELD_OF_VIEW
    if done.focal_source in ("given", "exif") and not low <= done.field_of_view <= high:
        yield (
            f"a focal length of {done.focal_length:.4g} px ({done.focal_source}) is a field of view of "
            f"{done.field_of_view:.3g} degrees, usual are {low} to {high}; check that it is in pixels of this image"
        )


def report_assumptions(saved: Sequence[SavedPrediction]) -> None:
    """Print what was assumed, each assumption once."""
    images = defaultdict(list)
    for done in saved:
        for assumption in _assumptions(done):
            images[assumption].append(done.image)
    for assumption, of in images.items():
        print(f"warning: {of[0] if len(of) == 1 else f'{len(of)} images'}: {assumption}", file=sys.stderr)


def _assumptions(done: SavedPrediction) -> Iterator[str]:
    if done.reduction > 1:
        yield (
            f"too large (--max-megapixels), so read at 1/{done.reduction} of the size; the results and focal lengths "
            "are those of the smaller image"
        )
    if done.focal_source == "assumed" and done.metres_follow_focal:
        yield (
            "no focal length in EXIF; the metres are those of the assumed one (give --focal PX; twice the focal length "
            "is twice the metres)"
        )
    if not IN_SPACE & done.files.keys():
        return
    if done.kind == "relative":
        yield f"the shape of points, mesh and normals is {SHAPE_OF_RELATIVE}; use a metric model, or align the result"
    if done.focal_length is None:
        yield "no focal length in EXIF; points, mesh and normals assume that of NYU Depth V2's camera"
    elif done.focal_source == "assumed" and not done.metres_follow_focal:
        yield "no focal length in EXIF; points, mesh and normals assume that of the model's training"
