"""Images put beside each other, or one below the other if they are wide, with titles and colour bars."""

import functools
import math
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from depthkit.visualization.palette import Painting, paint

MIN_FONT = 12  # [px]
_MIN_SIDE = 320  # [px]; images whose longer side is less are enlarged, or the text would dwarf them
_WIDE = 2  # times as wide as high: what is wider stands above its colour bar and the next image
_LETTER = 0.62  # mean width of a letter as a fraction of the font's size
_BAR_ACROSS = {False: 7, True: 5}  # width of a vertical bar with its text, height of a horizontal one, in fonts
_TICK_ALONG = {False: 2.5, True: 6}  # length of a bar per number, in fonts
_MAX_PANEL = (960, 1920)  # [px] (H, W); images side by side are for looking at; the full size is saved separately
_MOST_OF_BAR = 12_000_000  # [px] of a bar below an image
_DPI = 100
_KEPT_BAR = 400_000  # [px]; larger ones are drawn anew
_DRAWING = threading.Lock()  # matplotlib is not made for threads


@dataclass(frozen=True)
class ColorBar:
    """A colour bar.

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


@dataclass(frozen=True)
class _Box:
    """A part of the canvas [px]."""

    top: int
    left: int
    height: int
    width: int

    def of(self, canvas: np.ndarray) -> np.ndarray:
        return canvas[self.top : self.top + self.height, self.left : self.left + self.width]


def draw_panels(items: Sequence[np.ndarray | Painting | ColorBar], titles: Sequence[str] | None = None) -> np.ndarray:
    """Draw images and colour bars in a row, wide images in a column; their pixels stay unchanged.

    Images that are too small beside readable text are enlarged by a whole factor. Text grows with the images, so that
    it can be read where the whole result fits the screen.

    Args:
        items: uint8 RGB (H, W, 3), maps to be coloured in their place, all of one height (or width, if they are more
            than twice as wide as high), and colour bars.
        titles: one per image.

    Returns:
        uint8 RGB (H', W', 3).
    """
    images = [item for item in items if not isinstance(item, ColorBar)]
    enlarge = math.ceil(_MIN_SIDE / max(images[0].shape[:2]))
    if enlarge > 1:
        items = [_enlarged(item, enlarge) for item in items]
        images = [item for item in items if not isinstance(item, ColorBar)]
    wide = images[0].shape[1] > _WIDE * images[0].shape[0]
    font = _font_size(images, wide)
    titled = titles is not None
    boxes, shape = _column(items, font, titled) if wide else _row(items, font, titled)
    canvas = np.full((*shape, 3), 255, np.uint8)
    names = iter(titles or ())
    for item, box in zip(items, boxes, strict=True):
        if isinstance(item, ColorBar):
            box.of(canvas)[...] = draw_color_bar(item, (box.height, box.width), font, wide)
            continue
        if titled:
            strip = _Box(box.top - 2 * font, box.left, 2 * font, box.width)
            strip.of(canvas)[...] = draw_text([(next(names), 0.5, 0.5)], (strip.height, strip.width), font)
        margin = (box.width - item.shape[1]) // 2
        place = _Box(box.top, box.left + margin, *item.shape[:2]).of(canvas)
        if isinstance(item, Painting):
            paint(item, place)
        else:
            place[...] = item
    return canvas


def draw_beside(image: np.ndarray, panels: Sequence[tuple[str, np.ndarray] | ColorBar]) -> np.ndarray:
    """Draw an image and coloured maps of any size beside it, at the image's size but 960x1920 px at most.

    Args:
        image: uint8 RGB (H, W, 3).
        panels: titles with uint8 RGB maps, and colour bars.

    Returns:
        uint8 RGB (H', W', 3).
    """
    height, width = image.shape[:2]
    height = max(1, min(height, _MAX_PANEL[0], round(height * _MAX_PANEL[1] / width)))
    # Colours are resized without mixing: a mixture of two would show a depth that does not occur.
    drawn = [one if isinstance(one, ColorBar) else resize_to_height(one[1], height, smooth=False) for one in panels]
    titles = [one[0] for one in panels if not isinstance(one, ColorBar)]
    return draw_panels([resize_to_height(image, height, smooth=True), *drawn], ["image", *titles])


def resize_to_height(image: np.ndarray, height: int, smooth: bool) -> np.ndarray:
    """Resize an image or map (H, W[, 3]) to `height` [px] in its aspect; interpolate only if `smooth`."""
    if image.shape[0] == height:
        return image
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    smaller = height < image.shape[0]
    method = (cv2.INTER_AREA if smaller else cv2.INTER_LINEAR) if smooth else cv2.INTER_NEAREST
    return cv2.resize(image, (width, height), interpolation=method)


def draw_text(texts: Sequence[tuple[str, float, float]], size: tuple[int, int], font: int) -> np.ndarray:
    """Draw texts on a white strip.

    Args:
        texts: each with where its centre is, as fractions of the width from the left and of the height from below.
        size: of the strip (H, W) [px].
        font: height of the text [px].

    Returns:
        uint8 RGB (H, W, 3).
    """
    figure = _new_figure(size)
    with _DRAWING:
        for text, x, y in texts:
            text = "".join(c if c.isprintable() else "?" for c in text)  # a file's name need not be Unicode
            figure.text(x, y, text, fontsize=font * 72 / _DPI, ha="center", va="center", parse_math=False)
        return _render(figure)


def shorten_text(text: str, width: float, font: int) -> str:
    """Return `text`, without its middle where it would take more than `width` [px]."""
    most = max(3, int(width / (_LETTER * font)))
    return text if len(text) <= most else f"{text[: (most - 1) // 2]}…{text[len(text) - most // 2 :]}"


def numbered_ticks(low: float, high: float, most: float) -> list[tuple[float, str]]:
    """Return values and their names: both ends of a scale, and multiples of a readable step between them.

    Args:
        low: the lower end.
        high: the upper end.
        most: how many steps there is room for, at least one is made.
    """
    rough = (high - low) / max(1.0, most)
    power = 10.0 ** math.floor(math.log10(rough))
    factor = next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= 0.999 * rough)
    step = factor * power
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (factor == 2.5 and power <= 1)
    between = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    between = [value for value in between if min(value - low, high - value) > 0.45 * step]
    names = [f"{end:.{digits}f}" if math.isclose(round(end, digits), end) else f"{end:g}" for end in (low, high)]
    return [(low, names[0]), *((value, f"{value:.{digits}f}") for value in between), (high, names[1])]


def _enlarged(item: np.ndarray | Painting | ColorBar, factor: int) -> np.ndarray | ColorBar:
    if isinstance(item, ColorBar):
        return item
    image = paint(item) if isinstance(item, Painting) else item
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def _font_size(images: Sequence[np.ndarray | Painting], wide: bool) -> int:
    """Return the height of text [px]: a share of the longer side of the images, and of all together."""
    height, width = images[0].shape[:2]
    together = sum(image.shape[1] for image in images)
    if wide:  # a bar below 95,000 px would otherwise take more memory than the image
        return max(round(min(width / 70, _MOST_OF_BAR / (_BAR_ACROSS[True] * width))), MIN_FONT)
    return max(round(max(width / 40, height / 50, together / 110)), MIN_FONT)


def _row(
    items: Sequence[np.ndarray | Painting | ColorBar], font: int, titled: bool
) -> tuple[list[_Box], tuple[int, int]]:
    """Place items from left to right; return their places and the size of the canvas (H, W)."""
    gap = font // 2
    top = 2 * font if titled else gap
    height = max(item.shape[0] for item in items if not isinstance(item, ColorBar))
    # A bar as high as an extremely flat image would be a smear, and so would titles as wide as an extremely narrow one.
    bars = [top + _shortest(item, font) for item in items if isinstance(item, ColorBar)]
    canvas_height = max(height + top + gap, *bars, 0)
    boxes, left = [], gap
    for item in items:
        if isinstance(item, ColorBar):
            # Its strip reaches the canvas' end, because the numbers at its ends are higher than the bar.
            boxes.append(_Box(top, left, canvas_height - top, _BAR_ACROSS[False] * font))
            left += boxes[-1].width
        else:
            boxes.append(_Box(top, left, item.shape[0], max(item.shape[1], 8 * font if titled else 0)))
            left += boxes[-1].width + gap
    return boxes, (canvas_height, left)


def _column(
    items: Sequence[np.ndarray | Painting | ColorBar], font: int, titled: bool
) -> tuple[list[_Box], tuple[int, int]]:
    """Place items from top to bottom; return their places and the size of the canvas (H, W)."""
    gap = font // 2
    widest = max(item.shape[1] for item in items if not isinstance(item, ColorBar))
    width = max(widest, *(_shortest(item, font) for item in items if isinstance(item, ColorBar)), 0)
    boxes, top = [], 0
    for item in items:
        if isinstance(item, ColorBar):
            boxes.append(_Box(top, 0, _BAR_ACROSS[True] * font, width + 2 * gap))
            top += boxes[-1].height
        else:
            boxes.append(_Box(top + (2 * font if titled else gap), gap, item.shape[0], width))
            top = boxes[-1].top + item.shape[0]
    return boxes, (top + gap, width + 2 * gap)


def _shortest(bar: ColorBar, font: int) -> int:
    """Return the length [px] below which a bar's text would not fit."""
    return round((2.5 + max(5, _LETTER * len(bar.label))) * font)


def draw_color_bar(bar: ColorBar, size: tuple[int, int], font: int, wide: bool) -> np.ndarray:
    """Draw the bar on a white strip of `size` (H, W) [px], from left to right if `wide`, else upwards.

    The last small ones are kept, because matplotlib takes longer for a bar than the depth of a small image for its
    colours; so the strip cannot be written to.
    """
    return (_keep_bar if math.prod(size) <= _KEPT_BAR else _draw_bar)(bar, size, font, wide)


def _draw_bar(bar: ColorBar, size: tuple[int, int], font: int, wide: bool) -> np.ndarray:
    height, width = size
    points = font * 72 / _DPI
    figure = _new_figure(size)
    if wide:
        area = np.divide((3 * font, height - 1.5 * font, width - 6 * font, font), (width, height) * 2)
    else:
        area = np.divide((font / 2, 1.5 * font, font, height - 2.5 * font), (width, height) * 2)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    # An arrow of a fixed length, not a share of the bar's: it would take the place of the numbers.
    length = (width - 6 * font) if wide else (height - 2.5 * font)
    with _DRAWING:
        drawn = figure.colorbar(
            ScalarMappable(Normalize(bar.low, bar.high), matplotlib.colormaps[bar.colormap]),
            cax=figure.add_axes(tuple(area)),
            orientation="horizontal" if wide else "vertical",
            extend=extend[bar.below, bar.above],
            extendfrac=min(0.05, font / length),
        )
        drawn.set_label(bar.label, fontsize=points, labelpad=points / 2)
        ticks = bar.ticks or numbered_ticks(bar.low, bar.high, most=length / (_TICK_ALONG[wide] * font))
        drawn.set_ticks([value for value, _ in ticks], labels=[name for _, name in ticks])
        thickness = max(points / 15, 0.8)  # matplotlib's own, in proportion where the text is large
        drawn.outline.set_linewidth(thickness)
        drawn.ax.tick_params(labelsize=points, width=thickness, length=points / 3, pad=points / 3)
        return _render(figure)


@functools.lru_cache(maxsize=64)
def _keep_bar(bar: ColorBar, size: tuple[int, int], font: int, wide: bool) -> np.ndarray:
    drawn = _draw_bar(bar, size, font, wide)
    drawn.setflags(write=False)
    return drawn


def _new_figure(size: tuple[int, int]) -> Figure:
    return Figure(figsize=(size[1] / _DPI, size[0] / _DPI), dpi=_DPI, facecolor="white")


def _render(figure: Figure) -> np.ndarray:
    """Return a figure as uint8 RGB (H, W, 3)."""
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # of a file's name: it has a box then
        canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    del canvas.renderer  # its pixels would stay until the next garbage collection: figures are circles of references
    return drawn
