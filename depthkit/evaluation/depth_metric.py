"""The mm metric around `depth_metrics` and `Protocol`."""

import hashlib
import os
import re
from collections.abc import Sequence
from logging import WARNING
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from depthkit.errors import InputError
from depthkit.evaluation.boundaries import BOUNDARY_NAMES, BoundaryErrors, boundary_errors
from depthkit.evaluation.metrics import METRIC_NAMES, ErrorSums, error_sums, pool
from depthkit.evaluation.protocol import get_protocol
from depthkit.registry import METRICS
from depthkit.utils.io import write_depth_png, write_rgb
from depthkit.utils.output_file import shorten
from depthkit.utils.output_folder import make_output_folder
from depthkit.utils.validation import validate_arguments
from depthkit.visualization.color_range import SharedRange, check_metres
from depthkit.visualization.depth_map import draw_side_by_side


@METRICS.register_module()
class DepthProtocolMetric(BaseMetric):
    """Metrics of predicted depth under a named protocol.

    A dozen numbers per image are kept and exchanged between processes, whatever its size. The result has the plain
    metric names (``save_best='abs_rel'``), and ``images`` and ``skipped``: the number of images that were measured, and
    of those left out because no pixel of their ground truth is valid.

    Args:
        protocol: ``eigen``, ``full`` or ``densedepth``.
        save_dir: folder for the predictions as 16-bit PNG [mm], at the images' own size and not clamped by the
            protocol; None: they are not saved. Every process writes its own images.
        comparison_dir: folder for image | ground truth | prediction | error of every image (`draw_side_by_side`), the
            image as the network saw it; None: they are not drawn.
        comparison_range: ends of their colour bar [m]; None: those of each image's ground truth and prediction.
        boundary: measure boundaries too: ``boundary_f1`` (`depthkit.evaluation.boundaries.boundary_f1`), mean over the
            images that have a contour, and ``edge_abs_rel``, the abs_rel within 8 px of edges of depth, averaged as
            the protocol averages, over the images that have such pixels. A metric that no image has is left out.
        allow_nan: count NaN in a prediction as the smallest depth of the protocol. Otherwise it is an error: metrics of
            such a prediction say nothing about the model.

    Raises:
        InputError: an unknown protocol, a folder that cannot be made, a prediction with NaN; at the end, if no image
            has a valid pixel.
    """

    metric_names = METRIC_NAMES

    @validate_arguments
    def __init__(
        self,
        protocol: str = "eigen",
        save_dir: str | Path | None = None,
        comparison_dir: str | Path | None = None,
        comparison_range: tuple[float, float] | None = None,
        boundary: bool = False,
        allow_nan: bool = False,
    ) -> None:
        # "gpu" gathers through the process group, gloo included; "cpu" would use files in the working directory,
        # which may be read-only. BaseMetric warns if it has no prefix, but we want plain names: so we give it one and
        # remove it.
        super().__init__(collect_device="gpu", prefix="depth")
        self.prefix = None
        self.protocol = get_protocol(protocol)
        self.allow_nan = allow_nan
        self._measured = self._beyond = 0  # pixels, of this process
        self.save_dir = None if save_dir is None else make_output_folder(save_dir)
        self.comparison_dir = None if comparison_dir is None else make_output_folder(comparison_dir)
        self.comparison_range = None if comparison_range is None else check_metres(comparison_range)
        self.boundary = boundary
        if boundary:
            self.metric_names = (*METRIC_NAMES, *BOUNDARY_NAMES)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add a batch of samples with ``pred_depth_map``, ``gt_depth_map`` (1, H, W) [m] and ``img_path``.

        Raises:
            InputError: a sample has no ground truth, or its prediction has NaN.
        """
        for i, sample in enumerate(data_samples):
            path = sample.get("img_path", "")
            pred = _depth_map(sample["pred_depth_map"]["data"])
            if not self.allow_nan and (count := int(np.isnan(pred).sum())):
                raise InputError(
                    f"{path}: {count} of {pred.size} pixels of the prediction are NaN; use other weights, or "
                    "count them as wrong with allow_nan=True in the test_evaluator"
                )
            if self.save_dir is not None:
                saturated = write_depth_png(self.save_dir / prediction_name(path), pred)
                if saturated:
                    print_log(f"{path}: {saturated} pixels beyond 65.535 m are saved as 65.535 m", "current", WARNING)
            if "gt_depth_map" not in sample:
                raise InputError(f"{path}: has no ground truth depth, so it cannot be evaluated; use images with depth")
            gt = _depth_map(sample["gt_depth_map"]["data"])
            if self.comparison_dir is not None:
                image = data_batch["inputs"][i].cpu().numpy().transpose(1, 2, 0)
                self._draw_comparison(image, pred, gt, prediction_name(path, "comparison"))
            valid = self.protocol.valid_mask(gt)
            self._measured += int((gt > 0).sum())
            self._beyond += int((gt >= self.protocol.max_depth).sum())
            pred = self.protocol.prepare(pred, gt.shape)
            boundary = boundary_errors(pred, gt, valid) if self.boundary else None
            self.results.append((error_sums(pred, gt, valid), boundary))

    def _draw_comparison(self, image: np.ndarray, pred: np.ndarray, gt: np.ndarray, name: str) -> None:
        shared = SharedRange()
        for depth in (pred, gt):
            shared.add(depth)
        ends = shared.ends() if self.comparison_range is None else self.comparison_range
        write_rgb(self.comparison_dir / name, draw_side_by_side(image, pred, gt, ends))

    def compute_metrics(self, results: list[tuple[ErrorSums, BoundaryErrors | None]]) -> dict[str, float]:
        """Compute the metrics of all images from their sums, and ``images`` and ``skipped``.

        Raises:
            InputError: no image has a valid pixel.
        """
        measured = [sums for sums, _ in results if sums.count]
        skipped = len(results) - len(measured)
        if not measured:
            raise InputError(
                f"none of the {len(results)} images has a valid pixel of ground truth under protocol "
                f"{self.protocol.description}; check the depth files and their scale"
            )
        if 2 * self._beyond > self._measured:
            print_log(
                f"{self._beyond} of the {self._measured} measured pixels are {self.protocol.max_depth:g} m away or "
                "more and do not count; if that cannot be, correct depth_scale, the depth files' units per metre",
                logger="current",
                level=WARNING,
            )
        self._measured = self._beyond = 0
        if skipped:
            print_log(f"{skipped} of {len(results)} images have no valid pixel and were skipped", logger="current")
        print_log(f"Protocol {self.protocol.description}", logger="current")
        if self.protocol.pooled:
            metrics = pool(measured).metrics
        else:
            each = [sums.metrics for sums in measured]
            metrics = {name: float(np.mean([one[name] for one in each])) for name in METRIC_NAMES}
        if self.boundary:
            metrics |= self._boundary_metrics([errors for sums, errors in results if sums.count])
        return {**metrics, "images": len(measured), "skipped": skipped}

    def _boundary_metrics(self, images: list[BoundaryErrors]) -> dict[str, float]:
        errors = [(one.abs_rel, one.pixels) for one in images if one.pixels]
        if self.protocol.pooled and errors:
            errors = [np.sum(errors, axis=0)]
        each = ([one.f1 for one in images if one.f1 is not None], [total / count for total, count in errors])
        return {name: float(np.mean(one)) for name, one in zip(BOUNDARY_NAMES, each, strict=True) if one}


def prediction_name(img_path: str, kind: str = "depth") -> str:
    """Name a file for the image at `img_path`, of the kind depth ``kitchen_rgb_00000_1f3a9c_depth.png``.

    Folder and stem are for people. The digits are a hash of the full path. They distinguish images that share both
    (``scene1/rgb/0001.jpg`` and ``scene2/rgb/0001.jpg``), and every process computes them alone.
    """
    base, _, index = img_path.partition("#")  # "file.mat#12" is frame 12 of a .mat
    parts = [Path(base).parent.name, Path(base).stem, index]
    readable = "_".join(re.sub(r"[^\w.-]", "_", part) for part in parts if part)
    digest = hashlib.sha256(os.fsencode(img_path)).hexdigest()[:6]
    readable = shorten(readable, 200)  # bytes; file systems take 255 in a name
    return f"{readable}_{digest}_{kind}.png"


def _depth_map(data: torch.Tensor) -> np.ndarray:
    """Convert a map (1, H, W) or (H, W) on any device to a float32 array (H, W)."""
    array = data.detach().float().cpu().numpy()
    return array[0] if array.ndim == 3 else array
