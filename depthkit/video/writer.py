"""Write videos: colours as H.264 with the sound of the original, depth as FFV1 in 16-bit millimetres."""

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from depthkit.errors import InputError
from depthkit.utils.output_file import atomic_path
from depthkit.video.audio import AudioTracks, Sound
from depthkit.video.sources import load_av

Write = Callable[[np.ndarray, Fraction], None]
_FINEST = 1_000_000  # ticks a second; a finer clock is more than containers hold
_CLOCK = Fraction(1, 90_000)  # [s], of MPEG
_BT709 = 1  # the number that H.264 has for it
_LIMITED = 1


@contextlib.contextmanager
def color_video(path: Path, rate: Fraction, time_base: Fraction, sound: Sound | None) -> Iterator[Write]:
    """Yield a function that writes an image, uint8 RGB (H, W, 3), shown from a time [s] on, into an MP4.

    The file exists when the block has ended without error.

    Args:
        path: of the MP4.
        rate: frames a second, on average; the times of the frames count.
        time_base: [s], of which these times are multiples.
        sound: of the video; None for none.

    Raises:
        InputError: the file cannot be written.
    """
    options = {"crf": "18", "preset": "veryfast"}
    with _open(path, rate, time_base, "libx264", options, sound) as (stream, write):
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        av = load_av()

        def write_color(image: np.ndarray, time: Fraction) -> None:
            frame = av.VideoFrame.from_ndarray(_even(image), format="rgb24")
            write(frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"), time)

        yield write_color


@contextlib.contextmanager
def depth_video(path: Path, rate: Fraction, time_base: Fraction) -> Iterator[Write]:
    """Yield a function that writes a map, uint16 (H, W), shown from a time [s] on, into an MKV.

    Without loss. The file exists when the block has ended without error. It is FFV1 (RFC 9043) in gray16le, which
    ffmpeg, VLC and PyAV read.

    Raises:
        InputError: the file cannot be written.
    """
    options = {"level": "3", "g": "1", "slicecrc": "1"}
    with _open(path, rate, time_base, "ffv1", options, None) as (stream, write):
        stream.pix_fmt = "gray16le"
        av = load_av()

        def write_map(values: np.ndarray, time: Fraction) -> None:
            write(av.VideoFrame.from_ndarray(np.ascontiguousarray(values), format="gray16le"), time)

        yield write_map


@contextlib.contextmanager
def _open(
    path: Path, rate: Fraction, time_base: Fraction, codec: str, options: dict[str, str], sound: Sound | None
) -> Iterator[tuple[object, Callable[[object, Fraction], None]]]:
    """Yield the stream of a new video, and a function that writes a frame of PyAV at a time [s]."""
    av = load_av()
    if time_base.denominator > _FINEST:
        time_base = _CLOCK
    with atomic_path(path) as temporary, contextlib.ExitStack() as stack:
        try:
            flags = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
            output = av.open(str(temporary), "w", options=flags)
            stack.callback(_close_quietly, output)
            stream = output.add_stream(codec, rate=rate, options=options)
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, OSError):
                raise
            raise InputError(f"{path}: this PyAV cannot write {codec} ({error}); install another") from error
        stream.codec_context.time_base = time_base
        tracks = stack.enter_context(AudioTracks(sound, output)) if sound is not None else None
        first = last = None

        def write(frame: object, time: Fraction) -> None:
            nonlocal first, last
            if last is None:
                first = time
                stream.width, stream.height = frame.width, frame.height
            tick = round(time / time_base)
            last = tick if last is None else max(tick, last + 1)  # times that stand still are not allowed
            frame.pts, frame.time_base = last, time_base
            output.mux(stream.encode(frame))
            if tracks is not None:
                tracks.write_until(time)

        yield stream, write
        output.mux(stream.encode(None))
        if tracks is not None and first is not None:
            tracks.finish(first)
        output.close()  # what fails here must not be kept


def _close_quietly(output: object) -> None:
    """Close a container whose file is removed, or that is closed already."""
    with contextlib.suppress(Exception):
        output.close()


def _even(image: np.ndarray) -> np.ndarray:
    """Repeat the last row and column where their number is odd, which yuv420p cannot have."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(image)
