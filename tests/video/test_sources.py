"""Which names are videos and which are cameras."""

import sys
from pathlib import Path

import pytest

from depthkit.errors import InputError
from depthkit.video.sources import camera_index, is_video, load_av


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("camera:0", 0),
        ("camera:12", 12),
        ("camera:", None),
        ("camera:-1", None),
        ("camera", None),
        ("a/camera:0", None),
    ],
)
def test_cameras(name, index):
    assert camera_index(name) == index


def test_videos():
    assert all(map(is_video, ("a.mp4", "b/C.MOV", Path("d.webm"))))
    assert not any(map(is_video, ("a.gif", "mp4", "a.mp4.png", "camera:0")))


def test_without_pyav_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"videos need PyAV: pip install 'depthkit\[video\]'"):
        load_av()
