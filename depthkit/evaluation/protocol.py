"""Protocols: how a prediction and a ground truth are prepared before they are compared.

They follow published evaluation code: ``eigen`` that of BTS (Lee et al., 2019, arXiv 1907.10326) and AdaBins (Bhat et
al., CVPR 2021), ``densedepth`` that of DenseDepth (Alhashim and Wonka, 2018, arXiv 1812.11941).
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from depthkit.errors import InputError

# The crops are defined on images of this size, NYU Depth V2's, and scaled to others.
_CROP_HEIGHT, _CROP_WIDTH = 480, 640


@dataclass(frozen=True)
class Protocol:
    """How predictions are prepared, which pixels count, and how images are averaged.

    Attributes:
        name: the name in configs and results.
        crop: rows and columns (top, bottom, left, right) [px] of a 480x640 image that count, the ends excluded;
            scaled to other sizes; None: all.
        pooled: whether the pixels of all images are pooled, instead of averaging the metrics of images.
        min_depth: predictions are clamped from here [m]; ground truth at or below it is invalid.
        max_depth: predictions are clamped to here [m]; ground truth at or above it is invalid.
    """

    name: str
    crop: tuple[int, int, int, int] | None = None
    pooled: bool = False
    min_depth: float = 1e-3
    max_depth: float = 10.0

    @property
    def description(self) -> str:
        """One line that is printed beside every result."""
        if self.crop is None:
            area = "no crop"
        else:
            top, bottom, left, right = self.crop
            area = f"rows {top}:{bottom} and columns {left}:{right} of {_CROP_HEIGHT}x{_CROP_WIDTH}"
        average = "pixels of all images pooled" if self.pooled else "metrics per image, then their mean"
        return (
            f"{self.name}: {self.min_depth:g} < gt < {self.max_depth:g} m, {area}, prediction resized to gt "
            f"and clamped, {average}"
        )

    def prepare(self, pred: Any, shape: tuple[int, int]) -> np.ndarray:
        """Resize a prediction (H, W) [m] bilinearly to the ground truth's `shape` and clamp it.

        Infinity becomes `max_depth`, NaN and minus infinity become `min_depth` before the resize, so that they do not
        spread.

        Returns:
            float64 (H', W') [m], so that float32 rounding cannot push a value out of the range.

        Raises:
            InputError: the prediction does not have two dimensions.
        """
        pred = np.asarray(pred, dtype=np.float64)
        if pred.ndim != 2 or pred.size == 0:
            raise InputError(f"prediction: has shape {pred.shape}; expected one depth map (height, width)")
        pred = np.nan_to_num(pred, nan=self.min_depth, posinf=self.max_depth, neginf=self.min_depth)
        if pred.shape != tuple(shape):
            # OpenCV's bilinear has pixel centres at half integers, as torch's with align_corners=False.
            pred = cv2.resize(pred, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.clip(pred, self.min_depth, self.max_depth)

    def valid_mask(self, gt: Any) -> np.ndarray:
        """Return which pixels of a ground truth (H, W) [m] count, boolean: in range, finite, inside the crop.

        Raises:
            InputError: the ground truth does not have two dimensions.
        """
        gt = np.asarray(gt)
        if gt.ndim != 2:
            raise InputError(f"ground truth: has shape {gt.shape}; expected one depth map (height, width)")
        valid = (gt > self.min_depth) & (gt < self.max_depth)  # False where gt is NaN or infinite
        if self.crop is not None:
            inside = np.zeros_like(valid)
            inside[self._crop_slices(valid.shape)] = True
            valid &= inside
        return valid

    def _crop_slices(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        top, bottom, left, right = self.crop
        vertical, horizontal = shape[0] / _CROP_HEIGHT, shape[1] / _CROP_WIDTH
        rows = slice(round(top * vertical), round(bottom * vertical))
        columns = slice(round(left * horizontal), round(right * horizontal))
        return rows, columns


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        # BTS and AdaBins, and NeWCRFs after them: Eigen's test images, raw depth, Eigen's crop.
        Protocol("eigen", crop=(45, 471, 41, 601)),
        Protocol("full"),
        # DenseDepth's crop, rows 20 to 459 and columns 24 to 615 inclusive, and its single mean over the pixels of all
        # images, so that the RMSE is that of all pixels. Not adopted: it evaluates on the filled depths of the
        # labelled set and on predictions clamped to [0.1, 10] m, made at half size and always averaged over the
        # mirrored image (test_cfg.flip does that here).
        Protocol("densedepth", crop=(20, 460, 24, 616), pooled=True),
    )
}


def get_protocol(name: str) -> Protocol:
    """Look up a protocol by name.

    Raises:
        InputError: no protocol has that name.
    """
    if name not in PROTOCOLS:
        raise InputError(f"protocol {name!r}: unknown; expected one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
