"""Clips that tests make with PyAV, and models of depth that are a formula."""

from collections.abc import Sequence

import numpy as np

from depthkit.apis.result import DepthResult


def predict_grey(image: np.ndarray, focal: float | None = None) -> DepthResult:
    """Take the red channel as centimetres."""
    return DepthResult(1 + image[..., 0].astype(np.float32) / 100, image, depth_range=(0.0, 10.0))


def predict_relative(image: np.ndarray, focal: float | None = None) -> DepthResult:
    return DepthResult(image[..., 0].astype(np.float32), image, kind="relative")


def grey_frames(levels: Sequence[int], size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    return [np.full((*size, 3), level, np.uint8) for level in levels]
