"""Pinhole intrinsics (3, 3) [px], and how they follow changes of the image.

Pixel coordinates count from 0 and whole numbers are pixel centres, so the image's left edge is at -0.5.
"""

import numpy as np

# Colour camera of NYU Depth V2's Kinect at 640x480 (Silberman et al., ECCV 2012, camera_params.m of the toolbox).
NYU_INTRINSICS = np.array(
    [
        [5.1885790117450188e02, 0.0, 3.2558244941119034e02],
        [0.0, 5.1946961112127485e02, 2.5373616633400465e02],
        [0.0, 0.0, 1.0],
    ]
)
NYU_INTRINSICS.setflags(write=False)
NYU_SHAPE = (480, 640)
_FOCAL_TOLERANCE = 0.01  # split files write 518.8579


def nyu_intrinsics(shape: tuple[int, int]) -> np.ndarray:
    """Return the NYU camera's intrinsics for images of `shape` (H, W), scaled from 640x480."""
    return scale_intrinsics(NYU_INTRINSICS, shape[1] / NYU_SHAPE[1], shape[0] / NYU_SHAPE[0])


def focal_intrinsics(focal: float, shape: tuple[int, int]) -> np.ndarray:
    """Return intrinsics for a focal length [px] with the principal point in the centre of an image (H, W).

    NYU's focal length at NYU's size gives NYU's measured intrinsics instead.
    """
    if shape == NYU_SHAPE and abs(focal - NYU_INTRINSICS[0, 0]) < _FOCAL_TOLERANCE:
        return NYU_INTRINSICS.copy()
    return pinhole(focal, focal, (shape[1] - 1) / 2, (shape[0] - 1) / 2)


def pinhole(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Return the camera matrix (3, 3) of focal lengths and principal point, all in [px]."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]], dtype=np.float64)


def scale_intrinsics(intrinsics: np.ndarray, scale_x: float, scale_y: float) -> np.ndarray:
    """Return the intrinsics of an image that became `scale_x` times wider and `scale_y` times higher."""
    scaling = np.array([[scale_x, 0.0, (scale_x - 1) / 2], [0.0, scale_y, (scale_y - 1) / 2], [0.0, 0.0, 1.0]])
    return scaling @ intrinsics


def crop_intrinsics(intrinsics: np.ndarray, top: float, left: float) -> np.ndarray:
    """Return the intrinsics of an image that lost its first `top` rows and `left` columns."""
    return intrinsics - np.array([[0.0, 0.0, left], [0.0, 0.0, top], [0.0, 0.0, 0.0]])


def zoom_intrinsics(intrinsics: np.ndarray, factor: float) -> np.ndarray:
    """Return the intrinsics with `factor` times the focal lengths; the principal point stays."""
    return intrinsics * np.array([factor, factor, 1.0])


def flip_intrinsics(intrinsics: np.ndarray, width: int) -> np.ndarray:
    """Return the intrinsics of an image of `width` [px] that was mirrored left to right."""
    flipped = intrinsics.copy()
    flipped[0, 2] = width - 1 - intrinsics[0, 2]
    return flipped
