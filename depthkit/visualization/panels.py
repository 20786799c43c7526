"""Images put beside each other, with titles above and a colour bar at the right."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from depthkit.visualization.palette import Painting, paint

_MIN_SIDE = 320  # [px]; images whose longer side is less are enlarged, or the text would dwarf them
_MIN_FONT = 12  # [px]
_LETTER = 0.62  # mean width of a letter as a fraction of the font's size
_MAX_PANEL_HEIGHT = 960  # [px]; images side by side are for looking at; the full size is saved separately
_DPI = 100


@dataclass(frozen=True)
class ColorBar:
    """A vertical colour bar.

    Attributes:
        colormap: matplotlib's name.
        low: value of the lower end.
        high: value of the upper end.
        label: what the values are, and their unit.
        ticks: values and their names; none for numbers.
        below: whether lower values are shown in the lower end's colour; draws an arrow there.
        above: whether higher values are shown in the upper end's colour; draws an arrow there.
    """

    colormap: str
    low: float
    high: float
    label: str
    ticks: tuple[tuple[float, str], ...] = ()
    below: bool = False
    above: bool = False


def draw_panels(
    images: Sequence[np.ndarray | Painting], titles: Sequence[str] | None = None, color_bar: ColorBar | None = None
) -> np.ndarray:
    """Draw images in a row; their pixels are unchanged in the result.

    Images that are too small beside readable text are enlarged by a whole factor.

    Args:
        images: uint8 RGB (H, W, 3), or maps to be coloured in their place, all of one height.
        titles: one per image.
        color_bar: drawn to the right of the last image.

    Returns:
        uint8 RGB (H', W', 3).
    """
    enlarge = math.ceil(_MIN_SIDE / max(images[0].shape[:2]))
    if enlarge > 1:
        images = [paint(image) if isinstance(image, Painting) else image for image in images]
        images = [image.repeat(enlarge, axis=0).repeat(enlarge, axis=1) for image in images]
    height = images[0].shape[0]
    font = max(round(height / 30), _MIN_FONT)
    gap = font // 2
    top = 2 * font if titles else gap
    # A bar as high as an extremely flat image would be a smear, and so would titles as wide as an extremely narrow one.
    bar_height = top + round((2.5 + max(5, _LETTER * len(color_bar.label))) * font) if color_bar else 0
    canvas_height = max(height + top + gap, bar_height)
    cells = [max(image.shape[1], 8 * font if titles else 0) for image in images]
    starts = [gap + sum(cells[:i]) + gap * i for i in range(len(cells))]
    places = [start + (cell - im.shape[1]) // 2 for start, cell, im in zip(starts, cells, images, strict=True)]
    left = starts[-1] + cells[-1] + gap
    width = left + (7 * font if color_bar else 0)

    drawn = np.full((canvas_height, width, 3), 255, np.uint8)
    if titles:
        centres = [place + image.shape[1] / 2 for place, image in zip(places, images, strict=True)]
        drawn[:top, :left] = _draw_titles(titles, centres, (top, left), font)
    if color_bar:
        drawn[:, left:] = _draw_color_bar(color_bar, top, (canvas_height, width - left), font)
    for place, image in zip(places, images, strict=True):
        target = drawn[top : top + height, place : place + image.shape[1]]
        if isinstance(image, Painting):
            paint(image, target)
        else:
            target[...] = image
    return drawn


def draw_beside(image: np.ndarray, maps: Mapping[str, np.ndarray], color_bar: ColorBar) -> np.ndarray:
    """Draw an image and coloured maps of any size beside it, at the image's height but 960 px at most.

    Args:
        image: uint8 RGB (H, W, 3).
        maps: uint8 RGB, by title.
        color_bar: of all the maps.

    Returns:
        uint8 RGB (H', W', 3).
    """
    height = min(image.shape[0], _MAX_PANEL_HEIGHT)
    # Colours are resized without mixing: a mixture of two would show a depth that does not occur.
    drawn = [resize_to_height(colored, height, smooth=False) for colored in maps.values()]
    return draw_panels([resize_to_height(image, height, smooth=True), *drawn], ["image", *maps], color_bar)


def resize_to_height(image: np.ndarray, height: int, smooth: bool) -> np.ndarray:
    """Resize an image or map (H, W[, 3]) to `height` [px] in its aspect; interpolate only if `smooth`."""
    if image.shape[0] == height:
        return image
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    smaller = height < image.shape[0]
    method = (cv2.INTER_AREA if smaller else cv2.INTER_LINEAR) if smooth else cv2.INTER_NEAREST
    return cv2.resize(image, (width, height), interpolation=method)


def _draw_titles(titles: Sequence[str], centres: Sequence[float], size: tuple[int, int], font: int) -> np.ndarray:
    """Draw text [px] around x = `centres` on a white strip of `size` (H, W)."""
    figure = _new_figure(size)
    for title, x in zip(titles, centres, strict=True):
        figure.text(x / size[1], 0.5, title, fontsize=font * 72 / _DPI, ha="center", va="center")
    return _render(figure)


def _draw_color_bar(bar: ColorBar, top: int, size: tuple[int, int], font: int) -> np.ndarray:
    """Draw the bar on a white strip of `size` (H, W), below `top`, all in [px]."""
    height, width = size
    points = font * 72 / _DPI
    figure = _new_figure(size)
    area = np.divide((font / 2, 1.5 * font, font, height - top - 2.5 * font), (width, height) * 2)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    mappable = ScalarMappable(Normalize(bar.low, bar.high), matplotlib.colormaps[bar.colormap])
    drawn = figure.colorbar(mappable, cax=figure.add_axes(tuple(area)), extend=extend[bar.below, bar.above])
    drawn.set_label(bar.label, fontsize=points, labelpad=points / 2)
    if bar.ticks:
        values, names = zip(*bar.ticks, strict=True)
        drawn.set_ticks(values, labels=names)
    thickness = max(points / 15, 0.8)  # matplotlib's own, in proportion where the text is large
    drawn.outline.set_linewidth(thickness)
    drawn.ax.tick_params(labelsize=points, width=thickness, length=points / 3, pad=points / 3)
    return _render(figure)


def _new_figure(size: tuple[int, int]) -> Figure:
    return Figure(figsize=(size[1] / _DPI, size[0] / _DPI), dpi=_DPI, facecolor="white")


def _render(figure: Figure) -> np.ndarray:
    """Return a figure as uint8 RGB (H, W, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    del canvas.renderer  # its pixels would stay until the next garbage collection: figures are circles of references
    return drawn
