"""Read the frames of a camera that is connected to this machine."""

import contextlib
import math
import time
from collections.abc import Iterator
from fractions import Fraction

import cv2

from depthkit.errors import InputError
from depthkit.video.reader import ClipFrame

_USUAL_RATE = 30  # [1/s], where a camera does not say


@contextlib.contextmanager
def _without_log() -> Iterator[None]:
    """Keep OpenCV from telling how it looked for a camera that is not there."""
    log = cv2.utils.logging
    before = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(before)


class CameraReader:
    """A camera, by its number; a context manager. It is read with OpenCV.

    Args:
        index: 0 is the first camera.
        seconds: read no more than so many [s]; None: until the camera is gone.

    Attributes:
        name: ``camera:0``.
        rate: frames a second that the camera gives; the model may be slower, then frames are left out.
        time_base: [s].
        declared: number of frames at this rate, if a time is given.
        missing: 0, as of a `VideoReader`.
        damaged: 0, the same.
        scale: 1, the same.

    Raises:
        InputError: there is no such camera.
    """

    time_base = Fraction(1, 1000)
    missing = damaged = 0
    scale = 1.0

    def __init__(self, index: int, seconds: float | None = None) -> None:
        self.name, self._seconds = f"camera:{index}", seconds
        with _without_log():
            self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            raise InputError(f"{self.name}: there is no such camera, or another program uses it")
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not one that has waited
        self.rate = Fraction(round(self._capture.get(cv2.CAP_PROP_FPS)) or _USUAL_RATE)
        self.declared = None if seconds is None else math.ceil(seconds * self.rate)

    def __enter__(self) -> "CameraReader":
        return self

    def __exit__(self, *error: object) -> None:
        self._capture.release()

    def frames(self) -> Iterator[ClipFrame]:
        """Yield frames until the camera is gone; their times begin at 0.

        Raises:
            InputError: the camera gives not a single frame.
        """
        start, index = time.monotonic(), 0
        while True:
            received, image = self._capture.read()
            if not received:
                break
            seconds = Fraction(round((time.monotonic() - start) * 1000), 1000)
            if self._seconds is not None and seconds >= self._seconds:
                return
            yield ClipFrame(index, seconds, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            index += 1
        if not index:
            raise InputError(f"{self.name}: gives no frames; check that no other program uses it")
