"""Fractions as colours."""

import matplotlib
import numpy as np

INVALID_COLOR = (60, 60, 60)  # dark grey, which no colormap in use has


def paint(values: np.ndarray, valid: np.ndarray, ends: tuple[float, float], colormap: str) -> np.ndarray:
    """Colour a map; values beyond an end get the colour of that end, and dark grey is invalid.

    Args:
        values: float (H, W).
        valid: boolean (H, W).
        ends: values of the first and the last colour.
        colormap: matplotlib's name.

    Returns:
        uint8 RGB (H, W, 3).
    """
    low, high = ends
    fraction = np.where(valid, values, low)
    # In place, because an image can have a hundred million pixels.
    fraction -= low
    fraction /= high - low
    np.clip(fraction, 0.0, 1.0, out=fraction)
    fraction *= 255
    palette = (matplotlib.colormaps[colormap](np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8)
    image = palette[np.rint(fraction, out=fraction).astype(np.uint8)]
    image[~valid] = INVALID_COLOR
    return image
