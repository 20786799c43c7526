"""What `depthkit predict` does with videos and cameras."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from depthkit.cli.finite_range import FiniteRange
from depthkit.cli.output_options import SHARED
from depthkit.errors import InputError
from depthkit.utils.image_files import check_not_found_again, unique_stems
from depthkit.video.sources import VIDEO_OUTPUTS, VIDEO_SUFFIXES, camera_index, is_video, video_stem

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor
    from depthkit.video.predict import SavedVideo

_SURFACES = frozenset({"points", "points_glb", "mesh"})  # outputs
_OPTIONS = (
    click.option(
        "--smoothing/--no-smoothing",
        default=True,
        help="Of videos: take the flicker out of the depth of consecutive frames.",
    ),
    click.option(
        "--video-depth",
        type=click.Choice(["none", "mkv", "png"]),
        default="none",
        help="Of videos: also write the depth in 16-bit millimetres without loss, as NAME_depth.mkv (FFV1) or as the "
        "folder NAME_depth.",
    ),
    click.option(
        "--seconds",
        type=FiniteRange(min=0, min_open=True),
        metavar="S",
        help="Of videos: stop after so many. A camera records until then or until Ctrl-C.",
    ),
)


def video_options(command: Callable) -> Callable:
    """Add the options that only videos have to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def split_cameras(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments that name no camera, and those that do, such as ``camera:0``, each camera once."""
    cameras = {index: name for name in reversed(names) if (index := camera_index(name)) is not None}
    return [name for name in names if camera_index(name) is None], list(cameras.values())[::-1]


def split_videos(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the files that are images, by their suffix, and those that are videos."""
    return [file for file in files if not is_video(file)], [file for file in files if is_video(file)]


def check_videos(
    videos: Sequence[Path], cameras: Sequence[str], has_images: bool, patterns: Sequence[str], out: Path
) -> tuple[list[Path], list[str], dict[str, str]]:
    """Open videos and cameras, before a model is loaded, and report on stderr which cannot be.

    Args:
        videos: the files.
        cameras: by name.
        has_images: whether there are images to predict besides.
        patterns: the arguments that named files.
        out: folder of the results.

    Returns:
        Videos and cameras that can be opened, and the others with what was reported.

    Raises:
        InputError: nothing is left to predict, or a glob would find the results as videos the next time.
    """
    from depthkit.video.frames import open_source

    results = [out / f"{stem}_{name}.mp4" for stem in _stems(videos, cameras) for name in VIDEO_OUTPUTS]
    check_not_found_again(patterns, results, VIDEO_SUFFIXES)
    problems = {}
    for source in map(str, (*videos, *cameras)):
        try:
            with open_source(source):
                pass
        except InputError as error:
            problems[source] = str(error)
    good = [video for video in videos if str(video) not in problems]
    live = [camera for camera in cameras if camera not in problems]
    sentences = list(problems.values())
    last = None if good or live or has_images else sentences.pop()
    for sentence in sentences:
        click.echo(f"error: {sentence}", err=True)
    if last is not None:
        raise InputError(last)
    return good, live, problems


def check_used(
    ctx: click.Context, patterns: Sequence[str], has_images: bool, has_videos: bool, outputs: Sequence[str] | None
) -> None:
    """Check that no option was given which nothing among the inputs has a use for.

    Args:
        ctx: of the command.
        patterns: the arguments that named files and cameras.
        has_images: whether images were found.
        has_videos: whether videos or cameras were found.
        outputs: names of outputs.

    Raises:
        click.UsageError: one was.
    """
    if ctx.params["remove_flying_pixels"] and not {name.removeprefix("+") for name in outputs or ()} & _SURFACES:
        raise click.UsageError(
            "--remove-flying-pixels: is for points and meshes; add --outputs +points, +points_glb or +mesh, or leave "
            "it out.",
            ctx,
        )
    if has_videos and not has_images and ctx.params["contact_sheet"]:
        raise click.UsageError("--contact-sheet: is for images; leave it out for videos.", ctx)
    if has_videos or any(map(is_video, patterns)):  # also one that does not exist, which is told elsewhere
        return
    for option in ("smoothing", "video_depth", "seconds"):
        if ctx.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            name = "no-smoothing" if option == "smoothing" and not ctx.params[option] else option.replace("_", "-")
            raise click.UsageError(f"--{name}: is for videos; leave it out for images.", ctx)


def choose_settings(
    outputs: Sequence[str] | None, depth_range: object, focal: object, of_images: dict[str, object], ctx: click.Context
) -> dict[str, object]:
    """Return `outputs`, `depth_range` and `focal` as `predict_video` takes them.

    Raises:
        click.UsageError: a video is to get what only images can have.
    """
    names = [] if outputs and not outputs[0].startswith("+") else ["colored"]
    names += [name.removeprefix("+") for name in outputs or ()]
    for name in names:
        if name not in VIDEO_OUTPUTS:
            raise click.UsageError(
                f"--outputs {name}: is for images; videos have {' and '.join(VIDEO_OUTPUTS)}, and --video-depth.", ctx
            )
    if of_images["classes"]:
        raise click.UsageError("--classes: is for images; leave it out for videos.", ctx)
    if focal == "exif":
        raise click.UsageError("--focal exif: a video has no EXIF; give pixels, or leave it out.", ctx)
    # A video has one range for all its frames in any case.
    return {"outputs": names, "depth_range": None if depth_range == SHARED else depth_range, "focal": focal}


def predict_videos(
    predictor: "DepthPredictor", videos: Sequence[Path], cameras: Sequence[str], out: Path, **settings: object
) -> tuple[list["SavedVideo"], dict[str, str]]:
    """Predict videos and cameras with the `settings` of `predict_video`, and say what was saved.

    Returns:
        What was saved, and what was reported of the others.

    Raises:
        InputError: millimetres are asked of a relative model.
    """
    from depthkit.video.outputs import NO_MILLIMETRES
    from depthkit.video.predict import predict_video

    if settings["depth_format"] == "mkv" and predictor.kind == "relative":
        raise InputError(f"--video-depth mkv: {NO_MILLIMETRES}")
    saved, failed = [], {}
    sources = [*map(str, videos), *cameras]
    for source, stem in zip(sources, _stems(videos, cameras), strict=True):
        try:
            saved.append(predict_video(predictor, source, out, stem, **settings))
        except InputError as error:
            click.echo(f"error: {error}", err=True)
            failed[source] = str(error)
            continue
        _report(saved[-1])
    return saved, failed


def _stems(videos: Sequence[Path], cameras: Sequence[str]) -> list[str]:
    """Return how the names of the results begin; camera0.mp4 and camera:0 have different ones."""
    return unique_stems([*videos, *(Path(video_stem(camera)) for camera in cameras)])


def _report(done: "SavedVideo") -> None:
    low, high = done.color_range
    unit = " m" if done.kind == "metric" else ", relative"
    origin = f"of {done.sampled} frames" if done.sampled else "given"
    print(
        f"{done.video} -> {', '.join(map(str, done.files.values()))} ({done.frames} frames, {done.seconds:.1f} s; "
        f"colours {low:.3g} to {high:.3g}{unit}, {origin})"
    )
    if done.scale < 1:
        print(
            f"warning: {done.video}: frames of more than 2.1 megapixels are made smaller, by {done.scale:.3g}; the "
            "depth has that size",
            file=sys.stderr,
        )
    if done.damaged or done.missing:
        missing = f", {done.missing} of {done.frames + done.missing} frames are missing" if done.missing else ""
        print(f"warning: {done.video}: is damaged or ends early{missing}; the results have the rest", file=sys.stderr)
    if done.focal_source == "assumed" and done.metres_follow_focal:
        print(
            f"warning: {done.video}: the metres are those of an assumed focal length of {done.focal_length:.4g} px "
            "(give --focal PX; twice the focal length is twice the metres)",
            file=sys.stderr,
        )
    if done.saturated:
        print(f"warning: {done.video}: {done.saturated} pixels are beyond the 65.535 m of 16 bits", file=sys.stderr)
