"""Frames of videos: all of them, upright, with their times; what is not a video is one sentence."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from clips import grey_frames
from depthkit.errors import InputError
from depthkit.video.reader import MOST_PIXELS, VideoReader

av = pytest.importorskip("av", reason="needs PyAV: pip install 'depthkit[video]'")
LEVELS = (10, 60, 110, 160, 210)


def read(path, **options):
    with VideoReader(path, **options) as reader:
        frames = list(reader.frames())
        return frames, reader


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")])
def test_all_frames_with_their_times(make_clip, name, codec):
    frames, reader = read(make_clip(name, grey_frames(LEVELS), codec=codec))
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4] and reader.count == 5
    np.testing.assert_allclose([float(frame.time) for frame in frames], np.arange(5) / 10, atol=0.002)
    for frame, level in zip(frames, LEVELS, strict=True):
        assert frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8
        assert abs(frame.image.astype(int) - level).max() <= 6
    assert reader.declared == 5 and reader.missing == reader.damaged == 0


def test_uneven_times_are_kept(make_clip):
    times = [Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(51, 100), Fraction(2)]
    frames, _ = read(make_clip("a.mp4", grey_frames(LEVELS), times=times))
    assert [frame.time for frame in frames] == times


def test_a_turned_video_is_made_upright(make_clip):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :32] = 250
    (frame,), _ = read(make_clip("a.mp4", [image], turn=90))
    assert frame.image.shape == (64, 48, 3)
    bright = frame.image[..., 1] > 125
    expected = np.rot90(image)[..., 1] > 125
    assert (bright == expected).mean() > 0.98


def test_odd_sizes_and_pixels_that_are_not_square(make_clip):
    (frame, *_), _ = read(make_clip("odd.mp4", grey_frames(LEVELS, (47, 63))))
    assert frame.image.shape == (47, 63, 3)
    (frame, *_), _ = read(make_clip("wide.mp4", grey_frames(LEVELS), aspect=Fraction(3, 2)))
    assert frame.image.shape == (48, 96, 3)


def test_only_what_is_wanted(make_clip):
    path = make_clip("a.mp4", grey_frames(LEVELS))
    with VideoReader(path) as reader:
        assert [frame.index for frame in reader.frames(lambda index: index % 2 == 0)] == [0, 2, 4]
        assert reader.count == 5
    frames, reader = read(path, seconds=0.25)
    assert len(frames) == reader.declared == 3 and reader.missing == 0


def test_a_file_that_was_cut_off_has_the_frames_until_there(make_clip):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(30)]
    path = make_clip("cut.mp4", noise, options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, reader = read(path)
    assert 5 < len(frames) < 25
    assert reader.missing == 30 - len(frames)


def test_a_matroska_that_was_cut_off(make_clip):
    rng = np.random.default_rng(0)
    path = make_clip("cut.mkv", [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(30)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, _ = read(path)
    assert 5 < len(frames) < 25


def test_what_is_not_a_video_is_one_sentence(make_clip, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    (tmp_path / "empty.mp4").touch()
    whole = make_clip("headless.mp4", grey_frames(LEVELS))
    whole.write_bytes(whole.read_bytes()[:-200])  # what says where the frames are stands at the end
    sound = av.open(str(tmp_path / "sound.m4a"), "w")
    stream = sound.add_stream("aac", rate=8000, layout="mono")
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
    frame.sample_rate = 8000
    sound.mux(stream.encode(frame))
    sound.mux(stream.encode(None))
    sound.close()
    (tmp_path / "sound.m4a").rename(tmp_path / "sound.mp4")
    for name, words in {
        "text.mp4": "cannot be read as a video",
        "empty.mp4": "is empty; expected a video",
        "headless.mp4": "cannot be read as a video",
        "sound.mp4": "has no video stream, only sound",
        "none.mp4": "no such file; expected a video",
    }.items():
        with pytest.raises(InputError, match=words) as caught:
            VideoReader(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_video_without_frames_is_one_sentence(make_clip, tmp_path):
    path = make_clip("a.mkv", grey_frames(LEVELS))
    content = path.read_bytes()
    cluster = content.index(b"\x1f\x43\xb6\x75")
    path.write_bytes(content[:cluster])
    with pytest.raises(InputError, match=r"has no frame that can be decoded|cannot be read as a video"):
        read(path)


def test_lists_and_still_images_under_the_name_of_a_video(make_clip, tmp_path):
    """FFmpeg would take them by their content, and open whatever file or address a list names."""
    make_clip("a.mp4", grey_frames(LEVELS))
    (tmp_path / "concat.mp4").write_text("ffconcat version 1.0\nfile a.mp4\n")
    (tmp_path / "self.mp4").write_text("ffconcat version 1.0\nfile self.mp4\n")
    (tmp_path / "hls.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "sdp.mp4").write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n")
    Image.new("RGB", (8, 8)).save(tmp_path / "still.mp4", "png")
    for name in ("concat", "self", "hls", "sdp", "still"):
        with pytest.raises(InputError, match=rf"{name}.mp4: cannot be read as a video"):
            VideoReader(tmp_path / f"{name}.mp4")


def test_a_name_that_could_be_a_protocol(make_clip, tmp_path, monkeypatch):
    make_clip("concat:a.mp4", grey_frames(LEVELS))
    monkeypatch.chdir(tmp_path)
    assert len(read("concat:a.mp4")[0]) == 5


def test_large_frames_are_made_smaller(make_clip):
    frames, reader = read(make_clip("a.mp4", grey_frames((10, 160), (1600, 2560))))
    assert all(frame.image.shape[0] * frame.image.shape[1] <= MOST_PIXELS for frame in frames)
    assert reader.scale == frames[1].scale == pytest.approx(frames[0].image.shape[1] / 2560, abs=0.001)
    assert [abs(frame.image.astype(int) - level).max() <= 6 for frame, level in zip(frames, (10, 160), strict=True)]
    (frame,), _ = read(make_clip("wide.mp4", grey_frames((10,)), aspect=Fraction(2000)))
    assert max(frame.image.shape) <= 16_384


def test_frames_beyond_the_memory_are_refused_before_they_are_decoded(make_clip, monkeypatch):
    path = make_clip("a.mp4", grey_frames(LEVELS))
    monkeypatch.setattr("depthkit.video.reader._MOST_BYTES", 48 * 64)
    with pytest.raises(InputError, match=r"a.mp4: has frames of 64 x 48 px of 12 bits; depthkit takes"):
        VideoReader(path)
