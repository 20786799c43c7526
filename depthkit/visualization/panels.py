"""Pictures put beside each other, with titles above and a colour bar in metres at the right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

_MIN_SIDE = 320  # [px]; pictures whose longer side is less are enlarged, or the text would dwarf them
_MIN_FONT, _MAX_FONT = 12, 96  # [px]
_DPI = 100


@dataclass(frozen=True)
class ColorBar:
    """A vertical colour bar: a matplotlib colormap over low to high [m].

    ``below`` and ``above`` say whether values beyond an end are shown in that end's colour: it gets an arrow.
    """

    colormap: str
    low: float
    high: float
    below: bool = False
    above: bool = False


def draw_panels(
    pictures: Sequence[np.ndarray], titles: Sequence[str] | None = None, color_bar: ColorBar | None = None
) -> np.ndarray:
    """Draw uint8 RGB pictures (H, W, 3) of one height in a row; their pixels are in the result as they are.

    Pictures that are too small beside readable text are enlarged by a whole factor. Returns uint8 RGB (H',
    W', 3).
    """
    enlarge = math.ceil(_MIN_SIDE / max(pictures[0].shape[:2]))
    pictures = [picture.repeat(enlarge, axis=0).repeat(enlarge, axis=1) for picture in pictures]
    height = pictures[0].shape[0]
    font = min(max(round(height / 30), _MIN_FONT), _MAX_FONT)
    gap = font // 2
    top = 2 * font if titles else gap
    # Beside an extremely flat picture a bar as high as the picture would be a smear, and so would be the
    # titles above extremely narrow ones.
    canvas_height = max(height + top + gap, 8 * font if color_bar else 0)
    cells = [max(picture.shape[1], 8 * font if titles else 0) for picture in pictures]
    starts = [gap + sum(cells[:i]) + gap * i for i in range(len(cells))]
    places = [start + (cell - p.shape[1]) // 2 for start, cell, p in zip(starts, cells, pictures, strict=True)]
    left = starts[-1] + cells[-1] + gap
    width = left + (7 * font if color_bar else 0)

    figure = Figure(figsize=(width / _DPI, canvas_height / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    points = font * 72 / _DPI
    for place, picture, title in zip(places, pictures, titles or [""] * len(pictures), strict=True):
        x, y = place + picture.shape[1] / 2, canvas_height - top / 2
        figure.text(x / width, y / canvas_height, title, fontsize=points, ha="center", va="center")
    if color_bar:
        area = (left + font / 2, 1.5 * font, font, canvas_height - top - 2.5 * font)
        _draw_color_bar(figure, color_bar, tuple(np.divide(area, (width, canvas_height) * 2)), points)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    for place, picture in zip(places, pictures, strict=True):
        drawn[top : top + height, place : place + picture.shape[1]] = picture
    return drawn


def resize_to_height(picture: np.ndarray, height: int, smooth: bool) -> np.ndarray:
    """Resize a picture or map (H, W[, 3]) to `height` [px] keeping its aspect, interpolating only if
    `smooth`."""
    if picture.shape[0] == height:
        return picture
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    smaller = height < picture.shape[0]
    method = (cv2.INTER_AREA if smaller else cv2.INTER_LINEAR) if smooth else cv2.INTER_NEAREST
    return cv2.resize(picture, (width, height), interpolation=method)


def _draw_color_bar(figure: Figure, bar: ColorBar, area: tuple[float, ...], points: float) -> None:
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    mappable = ScalarMappable(Normalize(bar.low, bar.high), matplotlib.colormaps[bar.colormap])
    drawn = figure.colorbar(mappable, cax=figure.add_axes(area), extend=extend[bar.below, bar.above])
    drawn.set_label("depth [m]", fontsize=points)
    drawn.ax.tick_params(labelsize=points)
