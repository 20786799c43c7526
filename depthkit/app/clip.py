"""A video that somebody sends: decoded from memory, its depth as videos that are held in memory."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthkit.apis.predictor import DepthPredictor
from depthkit.apis.result import DepthResult
from depthkit.errors import InputError
from depthkit.video.predict import SavedVideo, predict_video


@dataclass(frozen=True)
class ClipDepth:
    """The depth of a video.

    Attributes:
        saved: what is known of it.
        files: the videos by kind, as the bytes of their files.
    """

    saved: SavedVideo
    files: dict[str, bytes]


def predict_clip(
    predictor: DepthPredictor,
    content: bytes,
    name: str,
    focal: float | None,
    most: tuple[float, int],
    on_frame: Callable[[], None],
) -> ClipDepth:
    """Predict the depth of a video.

    Args:
        predictor: of the frames.
        content: of the video's file.
        name: of the file, for messages.
        focal: focal length [px] of the frames; None: an assumed one.
        most: seconds that are read, and pixels that a frame may have.
        on_frame: called after each frame.

    Raises:
        InputError: it is not a video, has no frames or frames that are too large; or a video cannot be held in memory
            on this system.
    """

    def predict(image: np.ndarray, focal: float | None) -> DepthResult:
        if image.shape[0] * image.shape[1] > most[1]:
            size = f"{image.shape[1]} x {image.shape[0]}"
            raise InputError(f"{name}: has frames of {size} px; this page takes {most[1] / 1e6:g} megapixels at most")
        result = predictor(image, focal)
        on_frame()
        return result

    with _in_memory(content, name) as path, tempfile.TemporaryDirectory(prefix="depthkit-") as folder:
        try:
            saved = predict_video(predict, path, folder, "clip", focal, side_by_side=True, seconds=most[0])
        except InputError as error:
            raise InputError(str(error).replace(os.fspath(path), name)) from error
        return ClipDepth(saved, {kind: file.read_bytes() for kind, file in saved.files.items()})


@contextmanager
def _in_memory(content: bytes, name: str) -> Iterator[Path]:
    """Give a file's content a path, without a disk."""
    if not hasattr(os, "memfd_create"):
        raise InputError(f"{name}: videos on the page need Linux; use depthkit predict, or send an image")
    file = os.memfd_create("depthkit")
    try:
        with open(file, "wb", closefd=False) as stream:
            stream.write(content)
        yield Path(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
