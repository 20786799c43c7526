"""Contact sheets: many images and their depth on one page."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from depthkit.visualization.panels import ColorBar, draw_color_bar, draw_text, shorten_text

IMAGES_PER_SHEET = 60
_THUMBNAIL = (180, 240)  # [px] (H, W) at most, of the image and of its depth
_GAP = 10  # [px]
_FONT = 15  # [px]
_CAPTION = 48  # [px], of two lines


class Entry(NamedTuple):
    """An image on a contact sheet.

    Attributes:
        image: a `thumbnail`, uint8 RGB (h, w, 3).
        colored: its depth in colour, uint8 RGB (h, w, 3).
        lines: two lines of text below it.
    """

    image: np.ndarray
    colored: np.ndarray
    lines: tuple[str, str]


def thumbnail(image: np.ndarray, smooth: bool) -> np.ndarray:
    """Return an image or a map (H, W[, 3]) that fits a contact sheet; values are mixed only if `smooth`."""
    height, width = image.shape[:2]
    scale = min(_THUMBNAIL[0] / height, _THUMBNAIL[1] / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    every = max(1, math.floor(0.5 / scale))  # a map of hundreds of megapixels is thinned out first
    method = (cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR) if smooth else cv2.INTER_NEAREST
    return cv2.resize(np.ascontiguousarray(image[::every, ::every]), size, interpolation=method)


def draw_contact_sheet(entries: list[Entry], color_bar: ColorBar | None = None) -> np.ndarray:
    """Draw images and their depth in pairs, as many in a row as make the sheet about as high as wide.

    Args:
        entries: at least one.
        color_bar: of all of them, drawn below.

    Returns:
        uint8 RGB (H, W, 3).
    """
    cell_height = _THUMBNAIL[0] + _CAPTION + _GAP
    cell_width = 2 * _THUMBNAIL[1] + 3 * _GAP
    columns = max(1, min(len(entries), round(math.sqrt(1.4 * len(entries) * cell_height / cell_width))))
    rows = -(-len(entries) // columns)
    width = columns * cell_width
    sheet = np.full((_GAP + rows * cell_height, width, 3), 255, np.uint8)
    for row in range(rows):
        top = _GAP + row * cell_height
        texts = []
        for column, entry in enumerate(entries[row * columns : (row + 1) * columns]):
            left = column * cell_width + _GAP
            left += _THUMBNAIL[1] - entry.image.shape[1]  # so that narrow images stand beside their depth
            _place(sheet, entry.image, top, left)
            _place(sheet, entry.colored, top, left + entry.image.shape[1] + _GAP)
            middle = (column + 0.5) * cell_width / width
            lines = [shorten_text(line, cell_width - 2 * _GAP, _FONT) for line in entry.lines]
            texts += [(lines[0], middle, 0.72), (lines[1], middle, 0.32)]
        below = top + _THUMBNAIL[0]
        sheet[below : below + _CAPTION] = draw_text(texts, (_CAPTION, width), _FONT)
    if color_bar is None:
        return sheet
    return np.vstack([sheet, draw_color_bar(color_bar, (5 * _FONT, width), _FONT, wide=True)])


def _place(sheet: np.ndarray, image: np.ndarray, top: int, left: int) -> None:
    """Put a thumbnail half-way up its place."""
    top += (_THUMBNAIL[0] - image.shape[0]) // 2
    sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
