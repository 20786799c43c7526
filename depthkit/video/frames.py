"""From a video to the depth of its frames, one after the other."""

import os
from collections.abc import Callable, Generator
from contextlib import closing

import numpy as np

from depthkit.apis.focal import FocalRequest
from depthkit.apis.result import DepthResult
from depthkit.errors import InputError
from depthkit.video.camera import CameraReader
from depthkit.video.frame_depth import FrameDepth
from depthkit.video.pipeline import run_ahead
from depthkit.video.reader import ClipFrame, VideoReader
from depthkit.video.smoothing import smooth
from depthkit.video.sources import camera_index

Predict = Callable[[np.ndarray, FocalRequest], DepthResult]


def open_source(source: str | os.PathLike, seconds: float | None = None) -> VideoReader | CameraReader:
    """Open a video, or the camera that ``camera:0`` names, of which `seconds` [s] are read if given.

    Raises:
        InputError: it cannot be used.
    """
    index = camera_index(source)
    return VideoReader(source, seconds) if index is None else CameraReader(index, seconds)


def check_video_focal(focal: FocalRequest, source: str | os.PathLike) -> None:
    """Raise `InputError` if the focal length is to be that of EXIF, which a video does not have."""
    if focal == "exif":
        raise InputError(f"{source}: a video has no EXIF; give the focal length in pixels, or leave it out")


def predict_frames(
    predict: Predict,
    source: str | os.PathLike,
    focal: FocalRequest = None,
    smoothing: bool = True,
) -> Generator[FrameDepth, None, None]:
    """Predict the depth of a video's frames, while a thread decodes the next ones.

        predictor = DepthPredictor.from_pretrained("rooms-deit-tiny")
        for frame in predict_frames(predictor, "clip.mp4"):
            print(frame.time, frame.result.depth.mean())

    Args:
        predict: a `DepthPredictor`.
        source: a file, or ``camera:0``.
        focal: focal length [px] of all frames at their own size; None: an assumed one.
        smoothing: take the flicker out of the depth, see `smooth`; then frames come `REACH` frames later.

    Yields:
        The frames in order, those of more than 2.1 megapixels (1920x1088) made smaller, with the focal length at that
        size. Memory for some 20 of them is all that is taken.

    Raises:
        InputError: the source cannot be used, or the focal length is impossible for it.
    """
    check_video_focal(focal, source)
    with open_source(source) as reader:
        yield from predict_read(predict, reader, focal, smoothing)


def predict_frame(predict: Predict, frame: ClipFrame, focal: FocalRequest, name: str) -> FrameDepth:
    """Predict one frame of the video `name`; `focal` is that of its own size.

    Raises:
        InputError: what the model has against it, with the video's name.
    """
    if focal is not None:
        focal *= frame.scale
    try:
        return FrameDepth(frame.index, frame.time, predict(frame.image, focal))
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix('image: ')}") from error


def predict_read(
    predict: Predict, reader: VideoReader | CameraReader, focal: FocalRequest, smoothing: bool
) -> Generator[FrameDepth, None, None]:
    """Predict the frames of an open source, which are read in a thread; see `predict_frames`."""
    with closing(run_ahead(reader.frames())) as read:
        predicted = (predict_frame(predict, frame, focal, reader.name) for frame in read)
        yield from smooth(predicted) if smoothing else predicted
