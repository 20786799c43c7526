"""Frames drawn as `depthkit.visualization` draws an image; what does not change is drawn once."""

import cv2
import numpy as np

from depthkit.apis.result import DepthResult
from depthkit.visualization import (
    draw_depth_map,
    draw_disparity_beside,
    draw_disparity_map,
    draw_side_by_side,
)
from depthkit.visualization.depth_map import colorize
from depthkit.visualization.disparity_map import colorize_disparity

Box = tuple[slice, slice]


class Layout:
    """Titles, margins and colour bar of a video's frames, and where image and depth lie.

    They are found, not computed: a drawing in which only the map differs shows where the map is.

    Args:
        first: the depth of a frame.
        ends: of the colours, of all frames; see `DepthResult.color_range`.
        side_by_side: draw the image beside the depth.
        extremes: smallest and largest value of the clip; where they are beyond `ends`, the bar has an arrow.
    """

    def __init__(
        self, first: DepthResult, ends: tuple[float, float], side_by_side: bool, extremes: tuple[float, float]
    ) -> None:
        self._ends, self._metric = ends, first.kind == "metric"
        black = np.zeros_like(first.image)
        blank = np.full(first.size, np.nan, np.float32)
        if min(first.size) > 3:  # in the middle, so that the edges of what differs are still those of the map
            blank[first.size[0] // 2, 1:3] = extremes
        near = np.where(np.isnan(blank), np.float32(max(ends)), blank)
        self._canvas = self._draw(black, blank, side_by_side)
        self._map = _difference(self._canvas, self._draw(black, near, side_by_side))
        self._image = None
        if side_by_side:
            self._image = _difference(self._canvas, self._draw(black + np.uint8(255), blank, side_by_side))

    def draw(self, result: DepthResult) -> np.ndarray:
        """Return a frame as uint8 RGB (H', W', 3), always of one size."""
        canvas = self._canvas.copy()
        values = colorize(result.values, self._ends) if self._metric else colorize_disparity(result.values, self._ends)
        _place(canvas, self._map, values, smooth=False)
        if self._image is not None:
            _place(canvas, self._image, result.image, smooth=True)
        return canvas

    def _draw(self, image: np.ndarray, values: np.ndarray, side_by_side: bool) -> np.ndarray:
        if self._metric:
            if side_by_side:
                return draw_side_by_side(image, values, depth_range=self._ends)
            return draw_depth_map(values, self._ends)
        if side_by_side:
            return draw_disparity_beside(image, values, self._ends)
        return draw_disparity_map(values, self._ends)


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
