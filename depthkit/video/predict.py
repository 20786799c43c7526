"""Predict the depth of a video and save it: colours, and depth without loss if asked."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from depthkit.apis.depth_values import FocalSource
from depthkit.apis.focal import FocalRequest
from depthkit.apis.result_files import Kind
from depthkit.utils.output_folder import make_output_folder
from depthkit.video.audio import Sound
from depthkit.video.camera import CameraReader
from depthkit.video.clip_range import ClipRange, range_of, sample_range
from depthkit.video.frame_depth import FrameDepth
from depthkit.video.frames import Predict, check_video_focal, open_source, predict_read
from depthkit.video.outputs import DepthFormat, check_video_paths, open_outputs, video_paths
from depthkit.video.pipeline import run_ahead
from depthkit.video.reader import VideoReader
from depthkit.video.sources import camera_index, video_stem
from depthkit.visualization.color_range import check_metres
from depthkit.visualization.palette import check_colormap

_FIRST = 5  # frames of a camera that decide the range of colours


@dataclass(frozen=True)
class SavedVideo:
    """What is known about a video after its depth was saved.

    Attributes:
        video: the file, or the camera.
        files: the results by kind, see `video_paths`.
        kind: ``metric`` or ``relative``.
        frames: number of frames.
        seconds: of the video, from its first frame to its last.
        color_range: ends of the colour bar, of all frames.
        sampled: number of frames that it was chosen by; 0 if it was given.
        smoothed: whether the depth was smoothed over time.
        saturated: number of pixels beyond the 65.535 m that 16 bits can hold.
        missing: number of frames that the file says to have and that were not found.
        damaged: number of places that could not be decoded.
        scale: size of the results' depth over that of the frames; less than 1 for frames of more than 2.1 megapixels.
        focal_length: [px] of the frames at their own size; None where it is not known.
        focal_source: ``given`` or ``assumed``; None where it is not known.
        metres_follow_focal: whether the metres are those of this focal length; see `DepthResult`.
        metadata: what else is known by name: the model, its licence and so on.
    """

    video: str
    files: dict[str, Path]
    kind: Kind
    frames: int
    seconds: float
    color_range: tuple[float, float]
    sampled: int
    smoothed: bool
    saturated: int
    missing: int
    damaged: int
    scale: float
    focal_length: float | None
    focal_source: FocalSource | None
    metres_follow_focal: bool
    metadata: dict[str, str]


def predict_video(
    predict: Predict,
    source: str | os.PathLike,
    out_dir: str | Path,
    stem: str | None = None,
    focal: FocalRequest = None,
    depth_range: tuple[float, float] | None = None,
    outputs: Sequence[str] = ("colored",),
    colormap: str | None = None,
    smoothing: bool = True,
    depth_format: DepthFormat = "none",
    seconds: float | None = None,
    on_frame: Callable[[int, int | None], None] | None = None,
) -> SavedVideo:
    """Predict the depth of a video and save it, with a progress bar on a terminal.

    One thread decodes, one predicts, and this one draws and encodes. Each result exists complete or not at all, also
    after Ctrl-C; only what a camera has recorded until Ctrl-C is kept. Times are those of the video, also uneven ones,
    and its sound is kept.

    Args:
        predict: a `DepthPredictor`.
        source: a file, or ``camera:0``.
        out_dir: made if it does not exist.
        stem: how the names of the results begin; None for `video_stem`.
        focal: focal length [px] of all frames; None: an assumed one.
        depth_range: ends of the colour bar [m]; None: of the depth of 16 to 32 frames, for which the video is decoded
            once before; of a camera, of its first 5 frames.
        outputs: ``colored``, the depth, and ``side_by_side``, image | depth.
        colormap: see `DepthResult.colored`.
        smoothing: take the flicker out of the depth, see `smooth`.
        depth_format: also write the depth in 16-bit millimetres, as FFV1 in an ``mkv`` or as a folder of ``png`` files.
        seconds: stop after so many [s]; None: at the end of the file, and of a camera at Ctrl-C.
        on_frame: told after each frame how many are predicted, of how many as far as that is known.

    Raises:
        InputError: the source cannot be used, a result cannot be written or would replace it, the range is empty or
            given for relative results, or the focal length is impossible.
    """
    check_video_focal(focal, source)
    if depth_range is not None:
        check_metres(depth_range)
    if colormap is not None:
        check_colormap(colormap)
    paths = video_paths(make_output_folder(out_dir), stem or video_stem(source), outputs, depth_format)
    check_video_paths(paths, os.fspath(source))
    colors, count = None, None
    if depth_range is None and camera_index(source) is None:
        with VideoReader(source, seconds) as reader:
            colors = sample_range(predict, reader, focal)
            count = reader.count
    with open_source(source, seconds) as reader:
        frames = predict_read(predict, reader, focal, smoothing)
        with contextlib.closing(run_ahead(frames)) as ahead:
            total = count or reader.declared
            shown = tqdm(ahead, total=total, desc=str(source), unit="frame", disable=None, dynamic_ncols=True)
            return _save(_tell(shown, total, on_frame), reader, paths, colors, depth_range, colormap, smoothing)


def _tell(
    frames: Iterable[FrameDepth], total: int | None, on_frame: Callable[[int, int | None], None] | None
) -> Iterator[FrameDepth]:
    for count, frame in enumerate(frames, start=1):
        if on_frame is not None:
            on_frame(count, total)
        yield frame


def _save(
    frames: Iterator[FrameDepth],
    reader: VideoReader | CameraReader,
    paths: dict[str, Path],
    colors: ClipRange | None,
    depth_range: tuple[float, float] | None,
    colormap: str | None,
    smoothed: bool,
) -> SavedVideo:
    """Write all frames; `colors` that are not known yet are those of the first frames."""
    live = isinstance(reader, CameraReader)
    first = list(itertools.islice(frames, _FIRST if live and depth_range is None else 1))
    results = [frame.result for frame in first]
    colors = colors or range_of(results, depth_range)
    sound = None if live else Sound(reader.path, reader.seconds)
    count = saturated = 0
    clock = reader.rate, reader.time_base
    with open_outputs(paths, results[0], colors, colormap, clock, sound) as write:
        try:
            for last in itertools.chain(first, frames):
                saturated += write(last)
                count += 1
        except KeyboardInterrupt:
            if not live or not count:
                raise
    focal = results[0].focal_length
    return SavedVideo(
        video=reader.name,
        files=paths,
        kind=results[0].kind,
        frames=count,
        seconds=float(last.time - first[0].time),
        color_range=colors.ends,
        sampled=0 if depth_range else colors.sampled,
        smoothed=smoothed,
        saturated=saturated,
        missing=reader.missing,
        damaged=reader.damaged,
        scale=reader.scale,
        focal_length=focal and focal / reader.scale,
        focal_source=results[0].focal_source,
        metres_follow_focal=results[0].metres_follow_focal,
        metadata=results[0].metadata,
    )
