"""Accuracy at the boundaries of things: boundary F1 (Depth Pro), and the error near edges of depth."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

BOUNDARY_NAMES = ("boundary_f1", "edge_abs_rel")

# Depth Pro's: a boundary is where the depth of neighbours differs by more than these factors.
_THRESHOLDS = np.linspace(1.05, 1.25, 10)
_WEIGHTS = _THRESHOLDS / _THRESHOLDS.sum()
# Ours: holes up to this wide are bridged [px]; what an edge is; how far from it its pixels lie [px].
_MAX_HOLE = 8
_EDGE_RATIO = 1.1
_EDGE_DISTANCE = 8


@dataclass(frozen=True)
class BoundaryErrors:
    """What was measured at the boundaries of one image.

    Attributes:
        f1: see `boundary_f1`.
        pixels: number of valid pixels near an edge.
        abs_rel: sum of |pred - gt| / gt over these.
    """

    f1: float | None
    pixels: int
    abs_rel: float


def boundary_errors(pred: Any, gt: Any, valid: Any) -> BoundaryErrors:
    """Measure the boundaries of one image.

    Args:
        pred: predicted depth [m], (H, W), positive.
        gt: true depth [m], (H, W).
        valid: which pixels of `gt` count, boolean (H, W).
    """
    near = near_edges(gt, valid)
    error = np.abs(np.asarray(pred, np.float64)[near] - gt[near]) / gt[near]
    return BoundaryErrors(boundary_f1(pred, gt, valid), int(near.sum()), float(error.sum()))


def boundary_f1(pred: Any, gt: Any, valid: Any) -> float | None:
    """Return the F1 score of predicted occluding contours, from 0 to 1; scale does not matter.

    Source: Depth Pro (Bochkovskii et al., ICLR 2025, arXiv 2410.02073), "evaluation metrics for sharp boundaries". A
    contour lies between two neighbours in a row or column of which one is more than t times as far as the other. For
    each of four directions (right, left, down and up is the farther one), precision and recall are the fractions of
    predicted and true contours that are in the other map too, a fraction of none being 0; their means over the
    directions give F1. The result is the mean over ten thresholds t from 1.05 to 1.25, weighted by t.

    Depth sensors leave holes, and most of these lie along occluding contours. Ours: neighbours are two valid pixels of
    a row or column with nothing valid between them, up to 8 px of hole; where the prediction has its contour inside
    does not matter. Without holes this is Depth Pro's score. An image whose ground truth has no contour at all has
    no score (theirs is 0).

    Args:
        pred: predicted depth, (H, W), positive.
        gt: true depth, (H, W).
        valid: which pixels of `gt` count, boolean (H, W).

    Returns:
        The score; None if there is no contour.
    """
    pred, gt, valid = np.asarray(pred, np.float64), np.asarray(gt, np.float64), np.asarray(valid)
    found, true = [], []  # ratios of neighbours, one array for each direction
    for turn in (np.asarray, np.transpose):
        first, second = _neighbours(turn(valid))
        for ratios, depth in ((found, turn(pred)), (true, turn(gt))):
            before, after = depth[first], depth[second]
            ratios += [after / before, before / after]
    if not any((ratio > _THRESHOLDS[0]).any() for ratio in true):
        return None
    return float(sum(w * _f1(found, true, t) for t, w in zip(_THRESHOLDS, _WEIGHTS, strict=True)))


def near_edges(gt: Any, valid: Any) -> np.ndarray:
    """Return which valid pixels lie within 8 px of an edge of depth, boolean (H, W).

    An edge is between neighbours, as in `boundary_f1`, of which one is more than 1.1 times as far as the other (ours).
    """
    gt, valid = np.asarray(gt, np.float64), np.asarray(valid)
    edge = np.zeros(valid.shape, bool)
    for turn in (np.asarray, np.transpose):
        first, second = _neighbours(turn(valid))
        depth, marked = turn(gt), turn(edge)
        ratio = depth[second] / depth[first]
        differs = np.maximum(ratio, 1 / ratio) > _EDGE_RATIO
        for rows, columns in (first, second):
            marked[rows[differs], columns[differs]] = True
    if not edge.any():
        return edge
    distance = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return valid & (distance <= _EDGE_DISTANCE)


def _neighbours(valid: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the (rows, columns) of the first and the second of all neighbours along rows, (n,) each."""
    rows, columns = np.nonzero(valid)
    side_by_side = (rows[1:] == rows[:-1]) & (columns[1:] - columns[:-1] <= _MAX_HOLE + 1)
    first, second = np.flatnonzero(side_by_side), np.flatnonzero(side_by_side) + 1
    return (rows[first], columns[first]), (rows[second], columns[second])


def _f1(found: list[np.ndarray], true: list[np.ndarray], threshold: float) -> float:
    """Return the F1 score at one threshold, from the ratios of neighbours in each direction."""
    precision = recall = 0.0
    for one, other in zip(found, true, strict=True):
        predicted, expected = one > threshold, other > threshold
        both = np.count_nonzero(predicted & expected)
        precision += both / max(np.count_nonzero(predicted), 1) / len(found)
        recall += both / max(np.count_nonzero(expected), 1) / len(found)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
