"""Videos: damaged, cut off, without images, and files of other kinds under their name."""

import functools
import importlib.util
import io
from collections.abc import Callable

import numpy as np

from ..case import EITHER, REFUSED, Attempt, Build, case
from ..damage import cut, damage, flip_bits, replace_by_something_else

SUFFIXES = ("mp4", "mkv", "avi", "ts", "mpg", "webm", "mov")


def video_case(expected: str = REFUSED) -> Callable[[Build], Build]:
    """Register a case, unless PyAV is not installed."""
    if importlib.util.find_spec("av") is None:
        return lambda build: build
    return case("videos", expected)


@functools.cache
def encoded(container: str, codec: str = "mpeg4", sound: bool = True, images: bool = True) -> bytes:
    """Return a video of half a second, 64 x 48 px."""
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as output:
        video = output.add_stream(codec, rate=10) if images else None
        audio = output.add_stream("aac", rate=16000, layout="mono") if sound else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            for index in range(5):
                image = np.random.default_rng(index).integers(0, 255, (48, 64, 3), np.uint8)
                output.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            output.mux(video.encode(None))
        if audio is not None:
            for start in range(0, 8192, 1024):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
                frame.sample_rate, frame.pts = 16000, start
                output.mux(audio.encode(frame))
            output.mux(audio.encode(None))
    return stream.getvalue()


def _predict(rng, assets, name: str) -> list[str]:
    more = [[], ["--video-depth", rng.choice(["mkv", "png"])], ["--seconds", "0.2"], ["--outputs", "+side_by_side"]]
    return [*assets.predict(name), *rng.choice(more)]


@video_case(EITHER + "what is left of the file can be decoded")
def damaged(folder, rng, assets):
    container = rng.choice(["mp4", "matroska", "avi", "mpegts"])
    data = encoded(container, rng.choice(["mpeg4", "libx264"]), rng.random() < 0.5)
    data = rng.choice([damage, cut, lambda data, rng: flip_bits(data, rng, rng.choice([1, 10, 100]))])(data, rng)
    (folder / "a.mp4").write_bytes(data)
    return _predict(rng, assets, "a.mp4")


@video_case()
def lists_and_text(folder, rng, assets):
    """A list names a valid video, the weights or itself."""
    (folder / "b.mp4").write_bytes(encoded("mp4"))
    name = f"a.{rng.choice(SUFFIXES)}"
    named = rng.choice(["b.mp4", str(assets.weights), name, "/dev/zero", "http://127.0.0.1:1/a.mp4"])
    texts = [
        f"ffconcat version 1.0\nfile '{named}'\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{named}\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{named}</BaseURL></MPD>',
        "a diary\n" * rng.randint(1, 10_000),
    ]
    (folder / name).write_text(rng.choice(texts))
    return _predict(rng, assets, name)


@video_case()
def without_moving_images(folder, rng, assets):
    name = f"a.{rng.choice(SUFFIXES)}"
    what = rng.choice(["sound", "still", "weights"])
    if what == "sound":
        (folder / name).write_bytes(encoded("mp4", images=False))
    else:
        (folder / name).write_bytes(assets.path("image.png" if what == "still" else "weights.pth").read_bytes())
    return _predict(rng, assets, name)


@video_case()
def not_a_file(folder, rng, assets):
    what = replace_by_something_else(folder / "a.mp4", rng)
    expected = EITHER + "a link to a folder stands for the images there" if what == "loop" else REFUSED
    return Attempt(_predict(rng, assets, "a.mp4"), expected)
