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

    Without holes this is Depth Pro's score. With holes it is ours, and not comparable with theirs: depth sensors leave
    holes, and most of these lie along occluding contours. Neighbours are then also two valid pixels of a row or column
    with up to 8 px of hole between them; where the prediction has its contour inside does not matter. Across a hole
    the factor is that beyond what a slanted surface explains: it is divided by the steeper of the slopes (change of
    log depth per px, between the next neighbours) before and behind the hole, over its width. So a plane has no contour
    across a hole. Where one of the two slopes is not known, there is none either.

    An image whose ground truth has no contour at all has no score (theirs is 0).

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
        neighbours = _Neighbours.along_rows(turn(valid))
        for ratios, depth in ((found, turn(pred)), (true, turn(gt))):
            ratios += neighbours.factors(depth)
    if not any((ratio > _THRESHOLDS[0]).any() for ratio in true):
        return None
    return float(sum(w * _f1(found, true, t) for t, w in zip(_THRESHOLDS, _WEIGHTS, strict=True)))


def near_edges(gt: Any, valid: Any) -> np.ndarray:
    """Return which valid pixels lie within 8 px of an edge of depth, boolean (H, W).

    An edge is between neighbours, as in `boundary_f1`, of which one is more than 1.1 times as far as the other (ours;
    across a hole beyond what a slanted surface explains, as there).
    """
    gt, valid = np.asarray(gt, np.float64), np.asarray(valid)
    edge = np.zeros(valid.shape, bool)
    for turn in (np.asarray, np.transpose):
        neighbours, marked = _Neighbours.along_rows(turn(valid)), turn(edge)
        differs = np.flatnonzero(np.maximum(*neighbours.factors(turn(gt))) > _EDGE_RATIO)
        for pixels in (neighbours.first[differs], neighbours.first[differs] + 1):
            marked[neighbours.rows[pixels], neighbours.columns[pixels]] = True
    if not edge.any():
        return edge
    distance = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return valid & (distance <= _EDGE_DISTANCE)


@dataclass(frozen=True)
class _Neighbours:
    """Valid pixels in the order of reading, and which of them are neighbours along rows.

    Attributes:
        rows: of the n pixels, (n,).
        columns: of the n pixels, (n,).
        first: places in `rows` of those with a neighbour, which comes next, (m,).
        holes: places in `first` of the neighbours with a hole between them whose slopes on both sides are known.
        unknown: places in `first` of those with a hole but without these slopes.
    """

    rows: np.ndarray
    columns: np.ndarray
    first: np.ndarray
    holes: np.ndarray
    unknown: np.ndarray

    @classmethod
    def along_rows(cls, valid: np.ndarray) -> "_Neighbours":
        """Find the neighbours along the rows of a map (H, W)."""
        rows, columns = np.nonzero(valid)
        width = np.diff(columns)
        joined = (np.diff(rows) == 0) & (width <= _MAX_HOLE + 1)
        first = np.flatnonzero(joined)
        around = np.pad(joined, 1)  # whether there are neighbours before and behind
        is_hole, is_known = width[first] > 1, around[first] & around[first + 2]
        return cls(rows, columns, first, np.flatnonzero(is_hole & is_known), np.flatnonzero(is_hole & ~is_known))

    def factors(self, depth: np.ndarray) -> list[np.ndarray]:
        """Return how many times as far the second of neighbours is as the first, and the reverse.

        Args:
            depth: (H, W).

        Returns:
            Two arrays (m,); across a hole what the slopes do not explain (`boundary_f1`).
        """
        values = depth[self.rows, self.columns]
        first, second = values[self.first], values[self.first + 1]
        farther, nearer = second / first, first / second
        place = self.first[self.holes]
        before, after = self._slopes(values, place - 1), self._slopes(values, place + 1)
        width = self.columns[place + 1] - self.columns[place]
        farther[self.holes] /= np.exp(width * np.maximum(0, np.maximum(before, after)))
        nearer[self.holes] /= np.exp(width * np.maximum(0, -np.minimum(before, after)))
        farther[self.unknown] = nearer[self.unknown] = 1
        return [farther, nearer]

    def _slopes(self, values: np.ndarray, begin: np.ndarray) -> np.ndarray:
        """Return the change of log depth per px from the pixels at places `begin` to the next ones."""
        return np.log(values[begin + 1] / values[begin]) / (self.columns[begin + 1] - self.columns[begin])


def _f1(found: list[np.ndarray], true: list[np.ndarray], threshold: float) -> float:
    """Return the F1 score at one threshold, from the ratios of neighbours in each direction."""
    precision = recall = 0.0
    for one, other in zip(found, true, strict=True):
        predicted, expected = one > threshold, other > threshold
        both = np.count_nonzero(predicted & expected)
        precision += both / max(np.count_nonzero(predicted), 1) / len(found)
        recall += both / max(np.count_nonzero(expected), 1) / len(found)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
