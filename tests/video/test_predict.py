"""A whole video: what is written, that it is complete or not there, and that memory stays flat."""

import signal
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from clips import grey_frames, predict_grey, predict_relative
from depthkit.errors import InputError
from depthkit.video.predict import predict_video
from helpers import REPOSITORY, tool_environment

av = pytest.importorskip("av", reason="needs PyAV: pip install 'depthkit[video]'")
LEVELS = (10, 60, 110, 160, 210, 110)


def decode(path, kind="rgb24"):
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [frame.to_ndarray(format=kind) for frame in frames], [float(frame.time) for frame in frames]


def sound_of(path):
    with av.open(str(path)) as container:
        names = [stream.codec_context.name for stream in container.streams.audio]
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size] if names else []
        return names, packets


def test_colours_depth_and_times(make_clip, tmp_path):
    times = [Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(51, 100), Fraction(1), Fraction(2)]
    clip = make_clip("a.mp4", grey_frames(LEVELS), times=times)
    done = predict_video(
        predict_grey, clip, tmp_path / "out", outputs=("colored", "side_by_side"), depth_format="mkv", smoothing=False
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a_colored.mp4", "a_depth.mkv", "a_side_by_side.mp4"
    ]  # fmt: skip
    assert (done.frames, done.sampled, done.missing, done.saturated, done.seconds) == (6, 6, 0, 0, 2)
    low, high = done.color_range
    assert low <= 1.2 and high >= 3
    for path in done.files.values():
        frames, shown = decode(path)
        assert len(frames) == 6
        np.testing.assert_allclose(shown, [float(one) for one in times], atol=0.0011)
        assert all(side % 2 == 0 for side in frames[0].shape[:2]) or path.suffix == ".mkv"
    colored, _ = decode(done.files["colored"])
    middle = [frame[frame.shape[0] // 2, 100].astype(int) for frame in colored]  # enlarged five times
    assert middle[0][0] > 100 > middle[0][2] and middle[4][2] > middle[4][0]  # near is red, far is blue
    assert abs(middle[2] - middle[5]).max() < 12  # the same depth has the same colour


def test_millimetres_without_loss(make_clip, tmp_path):
    rng = np.random.default_rng(0)
    clip = make_clip("a.mkv", [rng.integers(0, 255, (47, 63, 3), np.uint8) for _ in range(3)])
    expected = []

    def predict(image, focal):
        result = predict_grey(image)
        result.values[0, :3] = 0, np.nan, 70
        expected.append(np.rint(np.nan_to_num(np.clip(result.values, 0, 65.535)) * 1000).astype(np.uint16))
        return result

    options = {"depth_range": (0, 5), "smoothing": False}
    done = predict_video(predict, clip, tmp_path / "mkv", depth_format="mkv", **options)
    frames, _ = decode(done.files["depth"], "gray16le")
    assert frames[0].dtype == np.uint16 and done.saturated == 3 and done.sampled == 0
    np.testing.assert_array_equal(frames, expected)
    done = predict_video(predict, clip, tmp_path / "png", depth_format="png", **options)
    files = sorted(done.files["depth"].iterdir())
    assert [file.name for file in files] == ["000000.png", "000001.png", "000002.png"]
    np.testing.assert_array_equal([np.asarray(Image.open(file)) for file in files], expected[3:])
    assert Image.open(files[1]).text["time"] == "0.100000"


@pytest.mark.parametrize(("codec", "kept"), [("aac", True), ("mp3", True), ("pcm_s16le", False)])
def test_sound_is_kept(make_clip, tmp_path, codec, kept):
    clip = make_clip("a.mkv", grey_frames(LEVELS), sound=codec)
    done = predict_video(predict_grey, clip, tmp_path / "out")
    (name,), packets = sound_of(done.files["colored"])
    (given,), expected = sound_of(clip)
    if kept:
        assert (name, packets) == (given, expected)
    else:
        assert name == "aac" and len(packets) > 5
    with av.open(str(done.files["colored"])) as container:
        seconds = float(container.streams.audio[0].duration * container.streams.audio[0].time_base)
    assert seconds == pytest.approx(1.1, abs=0.3)


@pytest.mark.parametrize(("codec", "start"), [("aac", 1), ("pcm_s16le", 0)])
def test_sound_ends_with_the_seconds_that_are_read(make_clip, tmp_path, codec, start):
    times = [start + Fraction(index, 10) for index in range(30)]
    clip = make_clip("a.mkv", grey_frames(range(0, 90, 3)), times=times, sound=codec)
    done = predict_video(predict_grey, clip, tmp_path / "out", seconds=0.5)
    assert done.frames == 5
    with av.open(str(done.files["colored"])) as container:
        (sound,) = container.streams.audio
        end = float(sum(frame.samples for frame in container.decode(sound)) / sound.rate)
    assert end == pytest.approx(start + 0.5, abs=0.15)


def test_large_frames_have_the_focal_length_of_their_own_size(make_clip, tmp_path, monkeypatch):
    monkeypatch.setattr("depthkit.video.reader.MOST_PIXELS", 48 * 64 // 4)
    clip, seen = make_clip("a.mp4", grey_frames(LEVELS)), []

    def predict(image, focal):
        seen.append((image.shape, focal))
        return replace(predict_grey(image), focal_length=focal)

    done = predict_video(predict, clip, tmp_path / "out", focal=60, depth_format="mkv")
    assert set(seen) == {((24, 32, 3), 30)} and (done.scale, done.focal_length) == (0.5, 60)
    assert decode(done.files["depth"], "gray16le")[0][0].shape == (24, 32)


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (2, 2), (1, 1)])
def test_one_frame_of_any_size(make_clip, tmp_path, size):
    codec = "libx264" if min(size) > 2 else "ffv1"
    clip = make_clip("a.mkv", grey_frames([100], size), codec=codec)
    done = predict_video(predict_grey, clip, tmp_path / "out", outputs=("colored", "side_by_side"), depth_format="mkv")
    assert done.frames == 1 and decode(done.files["depth"], "gray16le")[0][0].shape == size


def test_relative_results(make_clip, tmp_path):
    clip = make_clip("a.mp4", grey_frames(LEVELS))
    done = predict_video(
        predict_relative, clip, tmp_path / "out", outputs=("colored", "side_by_side"), depth_format="png"
    )
    assert done.kind == "relative" and len(list(done.files["depth"].iterdir())) == 6
    for settings, words in (
        ({"depth_format": "mkv"}, "an MKV holds millimetres"),
        ({"depth_range": (0, 5)}, "range: is in metres"),
    ):
        with pytest.raises(InputError, match=words):
            predict_video(predict_relative, clip, tmp_path / "other", **settings)
        assert not list((tmp_path / "other").iterdir())


def test_a_clip_that_ends_early_is_told(make_clip, tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(30)]
    clip = make_clip("cut.mp4", noise, sound="aac", options={"movflags": "faststart"})
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    done = predict_video(predict_grey, clip, tmp_path / "out")
    assert done.missing > 5 and done.frames + done.missing == 30
    assert len(decode(done.files["colored"])[0]) == done.frames


def test_what_fails_leaves_nothing(make_clip, tmp_path):
    clip = make_clip("a.mp4", grey_frames(LEVELS), sound="aac")
    calls = []

    def predict(image, focal):
        calls.append(image)
        if len(calls) == 4:
            raise InputError("the fourth")
        return predict_grey(image)

    out = tmp_path / "out"
    for settings in ({"depth_format": "mkv"}, {"depth_format": "png", "outputs": ("side_by_side",)}):
        calls.clear()
        with pytest.raises(InputError, match="the fourth"):
            predict_video(predict, clip, out, depth_range=(0, 5), smoothing=False, **settings)
        assert list(out.iterdir()) == []
    (out / "a_depth").mkdir()
    (out / "a_depth" / "thesis.txt").touch()
    with pytest.raises(InputError, match="holds other files than frames"):
        predict_video(predict_grey, clip, out, depth_format="png")
    with pytest.raises(InputError, match="a video has no EXIF"):
        predict_video(predict_grey, clip, out, focal="exif")
    clip = clip.rename(out / "b_colored.mp4")
    with pytest.raises(InputError, match="is one of the inputs"):
        predict_video(predict_grey, clip, out, stem="b")
    assert sorted(path.name for path in out.iterdir()) == ["a_depth", "b_colored.mp4"]


def test_a_second_run_replaces_the_first(make_clip, tmp_path):
    for levels in (LEVELS, LEVELS[:3]):
        clip = make_clip("a.mp4", grey_frames(levels))
        done = predict_video(predict_grey, clip, tmp_path / "out", depth_format="png")
    assert len(list(done.files["depth"].iterdir())) == len(decode(done.files["colored"])[0]) == 3


_SLOW_RUN = """
import sys, time
sys.path.insert(0, {tests!r})
from clips import predict_grey
from depthkit.utils.console import run_tool
from depthkit.video.predict import predict_video
import click

def predict(image, focal):
    print("frame", flush=True)
    time.sleep(0.1)
    return predict_grey(image)

@click.command()
def main():
    both = "colored", "side_by_side"
    predict_video(predict, sys.argv[1], sys.argv[2], depth_range=(0, 5), outputs=both, depth_format=sys.argv[3])

run_tool(main, [])
"""


@pytest.mark.parametrize(
    ("number", "status", "depth_format"), [(signal.SIGINT, 130, "mkv"), (signal.SIGTERM, 143, "png")]
)
def test_a_signal_leaves_no_file(make_clip, tmp_path, number, status, depth_format):
    clip = make_clip("a.mp4", grey_frames(LEVELS * 20), sound="aac")
    code = _SLOW_RUN.format(tests=str(REPOSITORY / "tests"))
    command = [sys.executable, "-c", code, clip, tmp_path / "out", depth_format]
    with subprocess.Popen(
        list(map(str, command)), env=tool_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for _ in range(12):
            process.stdout.readline()
        assert any((tmp_path / "out").iterdir())  # the temporary files
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == status, said
    assert "Traceback" not in said and list((tmp_path / "out").iterdir()) == []


_PEAK = """
import resource, sys
sys.path.insert(0, {tests!r})
from clips import predict_grey
from depthkit.video.predict import predict_video
predict_video(predict_grey, sys.argv[1], sys.argv[2], depth_format="mkv")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_is_flat_over_a_long_clip(make_clip, tmp_path):
    peaks = []
    for count in (50, 500):
        clip = make_clip(f"{count}.mp4", grey_frames(np.arange(count) % 200), sound="aac")
        code = _PEAK.format(tests=str(REPOSITORY / "tests"))
        done = subprocess.run(
            [sys.executable, "-c", code, str(clip), str(tmp_path / "out")],
            env=tool_environment(), capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout) / 1024)  # [MiB]
    print("peak MiB", peaks)
    assert peaks[1] - peaks[0] < 20
