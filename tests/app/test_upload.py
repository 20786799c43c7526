"""Names of files that somebody sends."""

import pytest

from depthkit.app.upload import stem_of
from depthkit.errors import InputError


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("photo.jpg", "photo"),
        ("my holiday (1).tar.png", "my_holiday_(1).tar"),
        ("厨房.jpg", "厨房"),
        ("image", "image"),
        (".jpg", "jpg"),
        ("<b>.png", "b"),
        ("$(rm).png", "(rm)"),
        ("Screenshot 2026-11-22 at 1.29.33\u202fPM.png", "Screenshot_2026-11-22_at_1.29.33_PM"),
        ("no\u00a0break.png", "no_break"),
        ("\U0001f468\u200d\U0001f469.png", "image"),
        ("\u200fשלום.png", "שלום"),
    ],
)
def test_a_name_loses_its_suffix_and_what_is_unusual(name, stem):
    assert stem_of(name) == stem


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\x.png", "/a.png", "", "..", "a\nb.png", "a\0.png", "a\x85.png", "x" * 101]
)
def test_what_is_not_a_name_is_refused(name):
    with pytest.raises(InputError, match="name"):
        stem_of(name)
