"""A video that somebody sends: decoded from memory, its depth as videos that end in memory."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from depthkit.apis.predictor import DepthPredictor
from depthkit.apis.result import DepthResult
from depthkit.app.answers import ResultFile, VideoAnswer, VideoKind
from depthkit.errors import InputError
from depthkit.video.predict import SavedVideo, predict_video

_IMAGE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"crx ")  # of ISO 23008-12, and raw


def looks_like_video(content: bytes) -> bool:
    """Return whether a file begins as MP4, MOV, MKV, WebM and AVI do, and as no image does."""
    iso = content[4:8] == b"ftyp" and content[8:12] not in _IMAGE_BRANDS
    return iso or content[:4] == b"\x1aE\xdf\xa3" or (content[:4] == b"RIFF" and content[8:12] == b"AVI ")


@dataclass(frozen=True)
class ClipDepth:
    """The depth of a video.

    Attributes:
        saved: what is known of it.
        files: the videos by kind, as the bytes of their files.
        seconds: that all of it took [s].
    """

    saved: SavedVideo
    files: dict[str, bytes]
    seconds: float

    def describe(
        self, id: str, model: str, runtime: str, files: Mapping[str, tuple[str, bytes]], seconds_kept: float
    ) -> VideoAnswer:
        """Describe it for the web service; `files` have their names."""
        saved, warnings = self.saved, []
        if saved.focal_source == "assumed" and saved.metres_follow_focal:
            warnings.append(
                "The metres are those of an assumed focal length; twice the focal length is twice the metres."
            )
        if saved.missing or saved.damaged:
            warnings.append(
                f"The file is damaged: {saved.missing} frames are missing, {saved.damaged} places unreadable."
            )
        return VideoAnswer(
            id=id,
            kind=saved.kind,
            frames=saved.frames,
            seconds=saved.seconds,
            low=saved.color_range[0],
            high=saved.color_range[1],
            seconds_per_frame=self.seconds / saved.frames,
            runtime=runtime,
            model=model,
            warnings=warnings,
            files={
                kind: ResultFile(name=name, url=f"/api/results/{id}/videos/{kind}") for kind, (name, _) in files.items()
            },
            seconds_kept=seconds_kept,
        )


def predict_clip(
    predictor: DepthPredictor,
    content: bytes,
    name: str,
    focal: float | None,
    most: tuple[float, int],
    on_frame: Callable[[int, int | None], None],
    check_wanted: Callable[[], None],
) -> ClipDepth:
    """Predict the depth of a video.

    Args:
        predictor: of the frames.
        content: of the video's file.
        name: of the file, for messages.
        focal: focal length [px] of the frames; None: an assumed one.
        most: seconds that are read, and pixels that a frame may have.
        on_frame: told how many frames are done, of how many.
        check_wanted: called before each frame; ends the work by what it raises.

    Raises:
        InputError: it is not a video, has no frames or frames that are too large; or a video cannot be held in memory
            on this system.
    """

    def predict(image: np.ndarray, focal: float | None) -> DepthResult:
        check_wanted()
        if image.shape[0] * image.shape[1] > most[1]:
            size = f"{image.shape[1]} x {image.shape[0]}"
            raise InputError(f"{name}: has frames of {size} px; this page takes {most[1] / 1e6:g} megapixels at most")
        return predictor(image, focal)

    begin = time.perf_counter()
    with _in_memory(content, name) as path, tempfile.TemporaryDirectory(prefix="depthkit-") as folder:
        try:
            kinds = get_args(VideoKind)
            saved = predict_video(
                predict, path, folder, "clip", focal, outputs=kinds, seconds=most[0], on_frame=on_frame
            )
        except InputError as error:
            raise InputError(str(error).replace(os.fspath(path), name)) from error
        files = {kind: file.read_bytes() for kind, file in saved.files.items()}
    return ClipDepth(saved, files, time.perf_counter() - begin)


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
