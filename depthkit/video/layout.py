"""Frames drawn as `depthkit.visualization` draws an image; what does not change is drawn once."""

import cv2
import numpy as np

from depthkit.apis.result import DepthResult
from depthkit.video.clip_range import ClipRange
from depthkit.visualization.depth_map import DEPTH_COLORMAP, colorize, draw_depth_map, draw_side_by_side
from depthkit.visualization.disparity_map import (
    DISPARITY_COLORMAP,
    colorize_disparity,
    draw_disparity_beside,
    draw_disparity_map,
)

Box = tuple[slice, slice]


class Layout:
    """Titles, margins and colour bar of a video's frames, and where image and depth lie.

    They are found, not computed: a drawing in which only the map differs shows where the map is.

    Args:
        first: the depth of a frame.
        colors: of all frames; the bar has an arrow where some are beyond its ends.
        side_by_side: draw the image beside the depth.
        colormap: see `DepthResult.colored`.
    """

    def __init__(self, first: DepthResult, colors: ClipRange, side_by_side: bool, colormap: str | None) -> None:
        self._ends, self._metric = colors.ends, first.kind == "metric"
        self._colormap = colormap or (DEPTH_COLORMAP if self._metric else DISPARITY_COLORMAP)
        black = np.zeros_like(first.image)
        blank = np.full(first.size, np.nan, np.float32)
        if min(first.size) > 3:  # in the middle, so that the edges of what differs are still those of the map
            blank[first.size[0] // 2, 1:3] = colors.extremes
        near = np.where(np.isnan(blank), np.float32(max(self._ends)), blank)
        self._canvas = self._draw(black, blank, side_by_side)
        self._map = _difference(self._canvas, self._draw(black, near, side_by_side))
        self._image = None
        if side_by_side:
            self._image = _difference(self._canvas, self._draw(black + np.uint8(255), blank, side_by_side))

    def draw(self, result: DepthResult) -> np.ndarray:
        """Return a frame as uint8 RGB (H', W', 3), always of one size."""
        canvas = self._canvas.copy()
        paint = colorize if self._metric else colorize_disparity
        values = paint(result.values, self._ends, self._colormap)
        _place(canvas, self._map, values, smooth=False)
        if self._image is not None:
            _place(canvas, self._image, result.image, smooth=True)
        return canvas

    def _draw(self, image: np.ndarray, values: np.ndarray, side_by_side: bool) -> np.ndarray:
        style = self._ends, self._colormap
        if self._metric:
            return draw_side_by_side(image, values, None, *style) if side_by_side else draw_depth_map(values, *style)
        return draw_disparity_beside(image, values, *style) if side_by_side else draw_disparity_map(values, *style)


def _difference(drawn: np.ndarray, other: np.ndarray) -> Box:
    """Return the box (rows, columns) in which two drawings differ."""
    differs = (drawn != other).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _place(canvas: np.ndarray, box: Box, image: np.ndarray, smooth: bool) -> None:
    """Put an image into a box of the canvas, resized if need be; colours of depth are never mixed."""
    target = canvas[box]
    height, width = target.shape[:2]
    if image.shape != target.shape:
        smaller = height < image.shape[0]
        method = (cv2.INTER_AREA if smaller else cv2.INTER_LINEAR) if smooth else cv2.INTER_NEAREST
        if not smaller and height % image.shape[0] == 0:
            method = cv2.INTER_NEAREST  # small images are enlarged by a whole factor, not smoothed
        image = cv2.resize(image, (width, height), interpolation=method)
    target[...] = image
