"""Clips that tests make with PyAV, and models of depth that are a formula."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from depthkit.apis.result import DepthResult


def predict_grey(image: np.ndarray, focal: float | None = None) -> DepthResult:
    """Take the red channel as centimetres."""
    return DepthResult(1 + image[..., 0].astype(np.float32) / 100, image, depth_range=(0.0, 10.0))


def predict_relative(image: np.ndarray, focal: float | None = None) -> DepthResult:
    return DepthResult(image[..., 0].astype(np.float32), image, kind="relative")


def grey_frames(levels: Sequence[int], size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    return [np.full((*size, 3), level, np.uint8) for level in levels]


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """`make_clip("a.mp4", frames, rate=10)` writes RGB frames, at given `times` [s] if they are uneven.

    sound: name of an audio codec; half a second more than the frames. turn: [degrees] that players turn it by,
    counterclockwise. aspect: width of a pixel over its height.
    """
    av = pytest.importorskip("av", reason="needs PyAV: pip install 'depthkit[video]'")

    def make(
        name: str,
        frames: Sequence[np.ndarray],
        rate: int = 10,
        times: Sequence[Fraction] | None = None,
        sound: str | None = None,
        turn: int = 0,
        aspect: Fraction | None = None,
        codec: str = "libx264",
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        output = av.open(str(path), "w", options=options or {})
        video = output.add_stream(codec, rate=rate, options={"crf": "10"} if codec == "libx264" else {})
        height, width = frames[0].shape[:2]
        video.width, video.height = width, height
        video.pix_fmt = "yuv420p" if width % 2 == height % 2 == 0 else "yuv444p"
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if turn:
            if not hasattr(video, "set_display_rotation"):
                pytest.skip("needs PyAV 18, which can write how a video is turned")
            video.set_display_rotation(turn)
        if times:
            video.codec_context.time_base = Fraction(1, 1000)
        audio = output.add_stream(sound, rate=16000, layout="mono") if sound else None
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times:
                frame.pts, frame.time_base = round(times[number] * 1000), Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if audio:
            wave = np.sin(np.arange(round(16000 * (len(frames) / rate + 0.5))) / 10)
            for start in range(0, len(wave), 1024):
                part = (wave[start : start + 1024] * 9000).astype(np.int16)[None]
                part = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                part.sample_rate, part.pts, part.time_base = 16000, start, Fraction(1, 16000)
                output.mux(audio.encode(part))
            output.mux(audio.encode(None))
        output.close()
        return path

    return make
