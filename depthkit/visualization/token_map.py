"""Show which patches of an image a token-selective layer attends to (as figure 4 of the ToSA paper)."""

from collections.abc import Sequence

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.panels import draw_panels

_BYPASSED_BRIGHTNESS = 0.25


def darken_bypassed(image: np.ndarray, attended: np.ndarray) -> np.ndarray:
    """Darken the patches of an image that skip a layer.

    Args:
        image: uint8 RGB (H, W, 3), the image as the network saw it, padding included: the grid covers all of it.
        attended: boolean (grid_h, grid_w), True for attended patches; ``forward_features(x, return_selection=True)``
            gives one such map for each layer, image and head.

    Returns:
        uint8 RGB (H, W, 3): attended patches unchanged, the others at a quarter of their brightness.

    Raises:
        InputError: the map is not boolean, does not have two dimensions, or has more cells than the image has pixels.
    """
    image, attended = np.asarray(image), np.asarray(attended)
    if attended.dtype != np.bool_ or attended.ndim != 2 or attended.size == 0:
        raise InputError(
            f"attended: is {attended.dtype} of shape {attended.shape}; expected a boolean (grid_h, grid_w)"
        )
    (height, width), (rows, columns) = image.shape[:2], attended.shape
    if rows > height or columns > width:
        raise InputError(f"attended: a grid of {rows}x{columns} does not fit on an image of {height}x{width} px")
    row_of = np.arange(height) * rows // height
    column_of = np.arange(width) * columns // width
    bright = attended[row_of[:, None], column_of]
    return np.where(bright[..., None], image, np.rint(image * _BYPASSED_BRIGHTNESS)).astype(np.uint8)


def draw_token_maps(image: np.ndarray, attended: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """Draw the image, and beside it one copy per map in which the bypassed patches are dark.

    Args:
        image: uint8 RGB (H, W, 3).
        attended: see `darken_bypassed`.
        titles: of the maps, for example ``["layer 2", "layer 6", "layer 10"]``.

    Returns:
        uint8 RGB (H', W', 3).
    """
    return draw_panels([image, *(darken_bypassed(image, grid) for grid in attended)], ["image", *titles])
