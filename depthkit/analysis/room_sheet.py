"""What generated rooms look like, and how deep they are beside images of a sensor."""

from collections.abc import Iterable, Sequence

import numpy as np

from depthkit.datasets.rooms.rendering import Rendering
from depthkit.datasets.sample import Frame
from depthkit.errors import InputError
from depthkit.visualization import colorize

COLUMNS = 6
SHEET_RANGE = (0.0, 6.0)  # [m] of the colours
PERCENTILES = (1, 10, 25, 50, 75, 90, 99)
HEADER = "| frames | horizontal view | " + " | ".join(f"{p} %" for p in PERCENTILES) + " | far / near | constant |"


def contact_sheet(renderings: Sequence[Rendering], columns: int = COLUMNS) -> np.ndarray:
    """Draw rooms in rows of three lines: the images, their depth and their normals.

    Args:
        renderings: all of one size (H, W); those that do not fill a row are left out.
        columns: rooms in a row.

    Returns:
        uint8 RGB (rows * 3 * H, columns * W, 3); depth from 0 m (red) to 6 m (blue).
    """
    lines = []
    for start in range(0, len(renderings) - columns + 1, columns):
        row = renderings[start : start + columns]
        lines += [
            np.hstack([one.image for one in row]),
            np.hstack([colorize(one.depth, SHEET_RANGE) for one in row]),
            np.hstack([np.rint(127.5 * (1 - one.normals)).astype(np.uint8) for one in row]),
        ]
    return np.vstack(lines)


def depth_row(frames: Iterable[Frame], height: int = 120) -> str:
    """Describe the depth of frames as a row of a table, every frame with the same weight.

    Args:
        frames: depth [m], 0 where nothing was measured.
        height: depth maps are thinned out to about this many rows [px].

    Returns:
        The number of frames, the range of their horizontal fields of view [degrees], percentiles of depth [m], the
        median of the ratio of each frame's 90 % and 10 % percentiles, and the mean abs_rel of each frame's median
        (`HEADER`).

    Raises:
        InputError: a frame without any depth.
    """
    sampled, spreads, errors, views = [], [], [], []
    rng = np.random.default_rng(0)
    for frame in frames:
        step = max(1, frame.depth.shape[0] // height)
        depth = frame.depth[::step, ::step]
        depth = depth[depth > 0]
        if not depth.size:
            raise InputError(f"{frame.name}: its depth map has no measurement; leave this pair out of the list")
        sampled.append(rng.choice(depth, 2000))
        low, middle, high = np.percentile(depth, (10, 50, 90))
        spreads.append(high / low)
        errors.append((np.abs(depth - middle) / depth).mean())
        if frame.intrinsics is not None:
            views.append(np.degrees(2 * np.arctan(frame.depth.shape[1] / 2 / frame.intrinsics[0, 0])))
    deep = " | ".join(f"{value:.2f}" for value in np.percentile(np.concatenate(sampled), PERCENTILES))
    view = f"{min(views):.0f} to {max(views):.0f}" if views else "-"
    return f"| {len(sampled)} | {view} | {deep} | {np.median(spreads):.1f} | {np.mean(errors):.2f} |"
