"""Read the frames of a video, upright and in square pixels, with their times."""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from depthkit.errors import InputError
from depthkit.utils.input_files import check_file
from depthkit.video.container import open_container
from depthkit.video.sources import load_av

_EXPECTED = "a video, such as MP4, MOV, MKV, WebM or AVI"
MOST_PIXELS = 1920 * 1088  # of a frame that is predicted; some 20 of them are in memory, larger ones are made smaller
_LONGEST = 16_384  # [px] side of such a frame
_MOST_BYTES = 110_000_000  # of a frame as it is decoded, of which FFmpeg may hold 20: 8K in 10 bits of 4:2:0 has 106
_USUAL_RATE = Fraction(25)  # [1/s], where a file does not say


@dataclass(frozen=True)
class ClipFrame:
    """A frame of a video.

    Attributes:
        index: its number, from 0.
        time: [s], as the file has it: the first frame's need not be 0.
        image: uint8 RGB (H, W, 3), upright.
        scale: its size over the frame's own; less than 1 for frames of more than `MOST_PIXELS`.
    """

    index: int
    time: Fraction
    image: np.ndarray
    scale: float = 1.0


class VideoReader:
    """The first video stream of a file; a context manager.

    Args:
        path: the file.
        seconds: read no more than so many [s]; None: all.

    Attributes:
        path: the file.
        name: the same, as text.
        seconds: [s] that are read; None for all.
        rate: frames a second, on average.
        time_base: [s], of which the times of frames are multiples.
        scale: of the frames, see `ClipFrame`; known when the first one was read.
        declared: number of frames, as far as the file says; None where it says nothing.
        count: number of frames that were decoded so far.
        damaged: number of places that could not be decoded so far.

    Raises:
        InputError: PyAV is not installed, the file is not a video, it has nothing but sound, or frames of more than 110
            million bytes.
    """

    def __init__(self, path: str | os.PathLike, seconds: float | None = None) -> None:
        self.path, self.name = check_file(Path(path), _EXPECTED), os.fspath(path)
        self.seconds = seconds
        self._av = load_av()
        try:
            self._container = open_container(self.path)
        except self._av.FFmpegError as error:
            other = isinstance(error, self._av.ArgumentError)  # one of FFmpeg's other formats
            raise InputError(
                f"{self.path}: cannot be read as a video ({'another kind of file' if other else error.strerror}); "
                f"expected {_EXPECTED}, get or write it again"
            ) from error
        try:
            self._stream = self._choose_stream()
        except InputError:
            self.close()
            raise
        self._stream.thread_type = "AUTO"
        self.rate = self._stream.average_rate or self._stream.guessed_rate or _USUAL_RATE
        self.time_base = self._stream.time_base
        self._stated = self._stream.frames  # 0 where the file does not say; PyAV's stream dies with its container
        self.declared = self._count_declared()
        self.count = self.damaged = 0
        self.scale: float | None = None

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def missing(self) -> int:
        """Number of frames that the file says to have and that were not found; 0 if it does not say."""
        return max(0, self._stated - self.count) if self.seconds is None else 0

    def frames(self, wanted: Callable[[int], bool] = lambda index: True) -> Iterator[ClipFrame]:
        """Decode all the frames, once, and yield those whose index is wanted.

        Frames of another size than the first one's are resized to it. What is damaged is left out and counted; a file
        that ends early has the frames until there.

        Raises:
            InputError: there is not a single frame.
        """
        size, first, last = None, None, None
        for decoded in self._decode():
            time = decoded.pts * decoded.time_base if decoded.pts is not None else None
            if time is None:
                time = Fraction(0) if last is None else last + 1 / self.rate
            first = time if first is None else first
            if self.seconds is not None and time - first >= self.seconds:
                return
            index, last = self.count, time
            self.count += 1
            if wanted(index):
                image, scale = self._upright(decoded)
                self.scale = self.scale or scale
                size = size or image.shape[1::-1]
                if image.shape[1::-1] != size:
                    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                yield ClipFrame(index, time, image, self.scale)
        if not self.count:
            raise InputError(f"{self.path}: has no frame that can be decoded; expected {_EXPECTED}, get it again")

    def _decode(self) -> Iterator[object]:
        """Yield the frames of PyAV that can be decoded."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._av.FFmpegError:  # the end of a file that was cut off
                self.damaged += 1
                packet = None
            try:
                yield from self._stream.decode(packet)
            except self._av.FFmpegError:
                self.damaged += 1
            except EOFError:
                return
            if packet is None or packet.dts is None and packet.size == 0:
                return

    def _choose_stream(self) -> object:
        """Return the first stream of moving images; the cover of a song is not one."""
        cover = self._av.stream.Disposition.attached_pic
        streams = [stream for stream in self._container.streams.video if not stream.disposition & cover]
        if not streams:
            sound = bool(self._container.streams.audio)
            raise InputError(f"{self.path}: has no video stream{', only sound' * sound}; expected {_EXPECTED}")
        context = streams[0].codec_context
        if context is None:
            raise InputError(f"{self.path}: its codec is unknown; convert it, for example to H.264")
        self._check_bytes(context.height, context.width, context.format)
        context.options = {"max_pixels": str(_MOST_BYTES * 2 // 3)}  # where frames become larger; 12 bits are the least
        return streams[0]

    def _check_bytes(self, height: int, width: int, pixel_format: object | None) -> None:
        """Check the size of a frame, before memory is taken for it."""
        bits = pixel_format.bits_per_pixel if pixel_format is not None else 12
        if height * width * bits > 8 * _MOST_BYTES:
            raise InputError(
                f"{self.path}: has frames of {width} x {height} px of {bits} bits; depthkit takes 8192 x 4320 px of 24 "
                "bits at most, so make it smaller"
            )

    def _count_declared(self) -> int | None:
        duration = self._container.duration / 1e6 if self._container.duration else None  # [s]
        frames = self._stated or (duration and max(1, round(duration * self.rate)))
        if self.seconds is not None:
            return min(frames or math.inf, math.ceil(self.seconds * self.rate))
        return frames

    def _upright(self, decoded: object) -> tuple[np.ndarray, float]:
        """Return a decoded frame as uint8 RGB (H, W, 3), upright and in square pixels, and its scale."""
        aspect = self._stream.sample_aspect_ratio or Fraction(1)  # width of a pixel over its height
        height, width = decoded.height, decoded.width
        if aspect > 0 and aspect != 1:
            width = max(1, round(width * aspect))
        scale = min(1.0, math.sqrt(MOST_PIXELS / (height * width)), _LONGEST / max(height, width))
        if scale < 1:
            height, width = max(1, int(height * scale)), max(1, int(width * scale))
            image = decoded.reformat(width, height, "rgb24", interpolation="AREA").to_ndarray()
        else:
            image = decoded.to_ndarray(format="rgb24")
            if image.shape[1] != width:
                image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(np.rot90(image, round(decoded.rotation / 90))), scale
