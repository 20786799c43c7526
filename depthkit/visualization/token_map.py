"""Which patches of a picture a token-selective layer attends to (the ToSA paper's figure 4)."""

from collections.abc import Sequence

import numpy as np

from depthkit.errors import InputError
from depthkit.visualization.panels import draw_panels

_BYPASSED_BRIGHTNESS = 0.25


def darken_bypassed(image: np.ndarray, attended: np.ndarray) -> np.ndarray:
    """Darken the patches of a picture that a layer lets pass by.

    Args:
        image: uint8 RGB (H, W, 3), the picture as the network saw it, padding included: the grid covers all
        of it.
        attended: boolean (grid_h, grid_w), True for attended patches; ``forward_features(x,
            return_selection=True)`` gives one such map for each layer, picture and head.

    Returns:
        uint8 RGB (H, W, 3): attended patches as they are, the others at a quarter of their brightness.

    Raises:
        InputError: the map is not a boolean map with two dimensions, or has more cells than the picture
            pixels.
    """
    image, attended = np.asarray(image), np.asarray(attended)
    if attended.dtype != np.bool_ or attended.ndim != 2 or attended.size == 0:
        raise InputError(
            f"attended: is {attended.dtype} of shape {attended.shape}; expected a boolean (grid_h, grid_w)"
        )
    (height, width), (rows, columns) = image.shape[:2], attended.shape
    if rows > height or columns > width:
        raise InputError(f"attended: a grid of {rows}x{columns} does not fit on a picture of {height}x{width} px")
    row_of = np.arange(height) * rows // height
    column_of = np.arange(width) * columns // width
    bright = attended[row_of[:, None], column_of]
    return np.where(bright[..., None], image, np.rint(image * _BYPASSED_BRIGHTNESS)).astype(np.uint8)


def draw_token_maps(image: np.ndarray, attended: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """The picture, and beside it one copy for each map of `attended` with the bypassed patches darkened.

    `titles` names the maps, for example ``["layer 2", "layer 6", "layer 10"]``. Returns uint8 RGB (H', W',
    3).
    """
    return draw_panels(
        [image, *(darken_bypassed(image, grid) for grid in attended)],
        ["photo", *titles],
    )
