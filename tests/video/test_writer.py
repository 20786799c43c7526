"""Written videos: colours as they were, times that go forward, sizes that H.264 can have."""

from fractions import Fraction

import numpy as np
import pytest

from depthkit.errors import InputError
from depthkit.video.writer import color_video, depth_video

av = pytest.importorskip("av", reason="needs PyAV: pip install 'depthkit[video]'")
CLOCK = Fraction(10), Fraction(1, 1000)


def decode(path):
    with av.open(str(path)) as container:
        return [(frame.to_ndarray(format="rgb24"), float(frame.time)) for frame in container.decode(video=0)]


def test_colours_are_those_that_were_drawn(tmp_path):
    """Players take what has no note, or is small, for BT.601, and would show other colours."""
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [250, 250, 0], [0, 0, 0], [255, 255, 255]], np.uint8)
    image = colors.repeat(32, axis=0)[None].repeat(64, axis=0)
    with color_video(tmp_path / "a.mp4", *CLOCK, None) as write:
        write(image, Fraction(0))
    ((shown, _),) = decode(tmp_path / "a.mp4")
    middle = shown[32, 16::32].astype(int)
    assert abs(middle - colors).max() <= 6
    with av.open(str(tmp_path / "a.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)


def test_odd_sizes_get_a_row_and_a_column(tmp_path):
    image = np.full((31, 33, 3), 90, np.uint8)
    with color_video(tmp_path / "a.mp4", *CLOCK, None) as write:
        write(image, Fraction(0))
    assert decode(tmp_path / "a.mp4")[0][0].shape == (32, 34, 3)


def test_times_that_stand_still_or_go_back_are_moved_on(tmp_path):
    with depth_video(tmp_path / "a.mkv", *CLOCK) as write:
        for time in (Fraction(1), Fraction(1), Fraction(1, 2), Fraction(2)):
            write(np.zeros((8, 8), np.uint16), time)
    with av.open(str(tmp_path / "a.mkv")) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert times == pytest.approx([1, 1.001, 1.002, 2])


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be written"), color_video(tmp_path / "no" / "a.mp4", *CLOCK, None):
        pass
    assert not list(tmp_path.iterdir())
