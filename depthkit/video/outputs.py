"""The files of a video's depth: what they are called, and what writes a frame into all of them."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

from depthkit.apis.result import DepthResult
from depthkit.errors import InputError
from depthkit.utils.image_files import check_not_inputs
from depthkit.utils.io import to_millimetres
from depthkit.utils.output_file import check_file_name
from depthkit.video.audio import Sound
from depthkit.video.clip_range import ClipRange
from depthkit.video.depth_images import check_image_folder, depth_images
from depthkit.video.frame_depth import FrameDepth
from depthkit.video.layout import Layout
from depthkit.video.sources import VIDEO_OUTPUTS
from depthkit.video.writer import color_video, depth_video

DepthFormat = Literal["none", "mkv", "png"]
NO_MILLIMETRES = "an MKV holds millimetres, and the results of this model are relative; take png, or a metric model"


def video_paths(
    out_dir: str | Path, stem: str, outputs: Sequence[str] = ("colored",), depth_format: DepthFormat = "none"
) -> dict[str, Path]:
    """Return the files that `predict_video` writes, by kind.

    ``colored``: ``_colored.mp4``, ``side_by_side``: ``_side_by_side.mp4``, ``depth``: ``_depth.mkv`` or the folder
    ``_depth``.

    Raises:
        InputError: there is no such output.
    """
    for name in outputs:
        if name not in VIDEO_OUTPUTS:
            raise InputError(f"outputs: {name!r} is not one of a video; expected {', '.join(VIDEO_OUTPUTS)}")
    suffixes = {name: f"{name}.mp4" for name in outputs}
    if depth_format != "none":
        suffixes["depth"] = "depth.mkv" if depth_format == "mkv" else "depth"
    return {name: Path(out_dir) / f"{stem}_{suffix}" for name, suffix in suffixes.items()}


def check_video_paths(paths: dict[str, Path], source: str) -> None:
    """Check the results of `video_paths` before the work.

    Raises:
        InputError: one of them would replace the video itself, or something that cannot be replaced.
    """
    check_not_inputs(paths.values(), [source])
    for path in paths.values():
        check_file_name(path) if path.suffix else check_image_folder(path)


@contextlib.contextmanager
def open_outputs(
    paths: dict[str, Path],
    first: DepthResult,
    colors: ClipRange,
    colormap: str | None,
    clock: tuple[Fraction, Fraction],
    sound: Sound | None,
) -> Iterator[Callable[[FrameDepth], int]]:
    """Yield a function that writes a frame, and returns how many pixels 16 bits could not hold.

    The files exist when the block has ended without error.

    Args:
        paths: see `video_paths`.
        first: depth of the first frame.
        colors: of all frames.
        colormap: see `DepthResult.colored`.
        clock: average number of frames a second, and the time [s] of which the times of frames are multiples.
        sound: of the coloured videos; None for none.

    Raises:
        InputError: a file cannot be written, or millimetres are asked of relative results.
    """
    with contextlib.ExitStack() as stack:
        drawn = []
        for name in paths.keys() & set(VIDEO_OUTPUTS):
            layout = Layout(first, colors, name == "side_by_side", colormap)
            drawn.append((layout, stack.enter_context(color_video(paths[name], *clock, sound))))
        write_depth = stack.enter_context(_depth_output(paths.get("depth"), first, clock))

        def write(frame: FrameDepth) -> int:
            for layout, write_color in drawn:
                write_color(layout.draw(frame.result), frame.time)
            return write_depth(frame)

        yield write


@contextlib.contextmanager
def _depth_output(
    path: Path | None, first: DepthResult, clock: tuple[Fraction, Fraction]
) -> Iterator[Callable[[FrameDepth], int]]:
    if path is None:
        yield lambda frame: 0
    elif not path.suffix:
        with depth_images(path) as write:
            yield write
    elif first.kind == "relative":
        raise InputError(f"{path}: {NO_MILLIMETRES}")
    else:
        with depth_video(path, *clock) as write_map:

            def write_millimetres(frame: FrameDepth) -> int:
                millimetres, saturated = to_millimetres(frame.result.values)
                write_map(millimetres, frame.time)
                return saturated

            yield write_millimetres
