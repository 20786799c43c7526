"""Checks that transforms share."""

from collections.abc import Sequence

import numpy as np

from depthkit.errors import InputError


def check_size(size: Sequence[int], owner: str) -> tuple[int, int]:
    """Return `size` as (H, W); raises `InputError` unless it is two positive whole numbers."""
    sides = tuple(size) if isinstance(size, Sequence) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side >= 1 for side in sides):
        raise InputError(f"{owner}(size={size!r}): expected (height, width) in pixels, such as (224, 304)")
    return sides


def check_probability(prob: float, owner: str) -> float:
    """Return `prob`; raises `InputError` unless it lies in [0, 1]."""
    if not 0 <= prob <= 1:
        raise InputError(f"{owner}(prob={prob}): expected a probability between 0 and 1")
    return prob


def check_pair(results: dict, owner: str) -> tuple[int, int]:
    """Return the sample's size (H, W); raises `InputError` when its depth map, if any, has another."""
    shape = results["img"].shape[:2]
    depth: np.ndarray | None = results.get("gt_depth_map")
    if depth is not None and depth.shape != shape:
        raise InputError(
            f"{results['img_path']}: {owner} needs picture {shape} and depth map {depth.shape} of one size; "
            "use ResizeRGBD(resize_depth=True) before it"
        )
    return shape
