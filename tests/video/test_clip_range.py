"""One range for a video: of frames all over it, however many it says to have."""

import numpy as np
import pytest

from clips import grey_frames, predict_grey, predict_relative
from depthkit.errors import InputError
from depthkit.video.clip_range import SAMPLES, range_of, sample_range
from depthkit.video.reader import VideoReader

pytest.importorskip("av", reason="needs PyAV: pip install 'depthkit[video]'")


@pytest.mark.parametrize("declared", [None, 10, 100])
def test_frames_all_over_a_video_are_looked_at(make_clip, declared):
    path = make_clip("a.mp4", grey_frames(np.linspace(0, 250, 100).astype(int), (16, 16)))
    with VideoReader(path) as reader:
        reader.declared = declared
        colors = sample_range(predict_grey, reader, None)
    assert SAMPLES <= colors.sampled <= 2 * SAMPLES
    low, high = colors.ends
    assert low <= 1.1 and high >= 3.3
    assert colors.extremes == pytest.approx((1, 3.5), abs=0.15)


def test_what_is_given_is_taken(make_clip):
    results = [predict_grey(image) for image in grey_frames((10, 200))]
    assert range_of(results, (0, 5)).ends == (0, 5)
    with pytest.raises(InputError, match="range 5 0: expected two depths"):
        range_of(results, (5, 0))


def test_relative_results_have_percentiles_of_their_disparities():
    low, high = range_of([predict_relative(image) for image in grey_frames(range(0, 200, 10))]).ends
    assert 0 <= low <= 10 and 180 <= high <= 190


def test_frames_without_any_depth_do_not_count():
    empty, full = (predict_grey(image) for image in grey_frames((0, 200)))
    empty.values[:] = 0
    assert range_of([empty, full]).extremes == pytest.approx((3, 3))
    assert range_of([empty]).ends == (0, 10)
