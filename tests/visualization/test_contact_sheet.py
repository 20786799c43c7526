"""Contact sheets: images beside their depth."""

import numpy as np
import pytest

from depthkit.visualization.contact_sheet import Entry, draw_contact_sheet, thumbnail
from depthkit.visualization.panels import ColorBar, draw_text


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (60, 60), (480, 640), (3000, 300)])
def test_a_thumbnail_fits(shape):
    small = thumbnail(np.zeros((*shape, 3), np.uint8), smooth=True)
    height, width = small.shape[:2]
    assert 1 <= height <= 180 and 1 <= width <= 240 and (height == 180 or width == 240)
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    assert np.isin(thumbnail(values, smooth=False), values).all()


@pytest.mark.parametrize("count", [1, 7, 60])
def test_a_sheet_holds_every_image_and_is_about_square(count):
    colors = np.random.default_rng(0).integers(0, 250, (count, 3))
    name = f"a_{'long_' * 40}name $x_ ü 日本.jpg"
    entries = [Entry(*[np.full((90, 240, 3), color, np.uint8)] * 2, (name, "1 m")) for color in colors]
    drawn = draw_contact_sheet(entries, ColorBar("turbo_r", 0, 5, "depth [m]"))
    assert np.isin(colors @ [1, 256, 65536], drawn.reshape(-1, 3) @ np.array([1, 256, 65536])).all()
    assert drawn.shape[0] < 1600 or drawn.shape[1] / drawn.shape[0] > 0.7


def test_what_cannot_be_drawn_of_a_name_becomes_a_question_mark():
    drawn = [draw_text([(text, 0.5, 0.5)], (30, 100), 12) for text in ("a\udcff\n.png", "a??.png")]
    assert np.array_equal(*drawn)
