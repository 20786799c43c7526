"""The depth of one image, metric or relative: maps in colour, point clouds, and the files of both."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from depthkit.apis.alignment import Alignment, fit_alignment
from depthkit.apis.result_files import Kind, SavedFiles, output_paths
from depthkit.errors import InputError
from depthkit.utils.camera import NYU_INTRINSICS, NYU_SHAPE, focal_intrinsics
from depthkit.utils.disparity_png import write_disparity_png
from depthkit.utils.float_map import FloatFormat, check_float_format, write_float_map
from depthkit.utils.io import write_depth_png, write_point_cloud_ply, write_rgb
from depthkit.visualization import (
    depth_to_points,
    disparity_range,
    draw_depth_map,
    draw_disparity_beside,
    draw_disparity_map,
    draw_side_by_side,
)
from depthkit.visualization.depth_map import check_range, is_valid, readable_range

FocalSource = Literal["given", "exif", "assumed"]
# Points of a relative result beyond this many times the median distance are left out: sky is infinitely far.
_FARTHEST = 20
SHAPE_OF_RELATIVE = "not the scene's: the shift of relative disparities is unknown, 0 here; the median distance is 1"
RANGE_OF_RELATIVE = "range: is in metres, but this model's results are relative; leave it out, or use a metric model"


@dataclass(frozen=True)
class DepthResult:
    """The depth of one image, in metres or relative.

    Attributes:
        values: float32 (H, W), at the image's own size. Of a metric result the distance along the optical axis [m]. Of
            a relative one the disparity: larger is nearer, and 1/depth = scale * disparity + shift with two unknown
            numbers that differ from image to image (MiDaS, Ranftl et al., TPAMI 2022).
        image: the image, upright, uint8 RGB (H, W, 3).
        kind: ``metric`` or ``relative``.
        depth_range: what depth the model can give [m], for this camera where the metres follow it; None where that is
            not known. Without meaning for a relative result.
        focal_length: [px], at the image's size; None where it is not known.
        focal_source: where it is from: ``given`` by the caller, the image's ``exif``, or ``assumed`` (the camera that
            the model was trained for); None where it is not known: the result is relative, or the model has no
            `canonical_focal`, so that `intrinsics` has to take NYU Depth V2's camera.
        metres_follow_focal: whether the metres are those of this focal length. If not, or if the result is relative,
            it only gives `point_cloud` its shape.
        classes: names and probabilities of the five likeliest ImageNet classes, from a model with a classifier.
        metadata: what else is known, by name: the model, its licence and so on. It goes into the files.
    """

    values: np.ndarray
    image: np.ndarray
    kind: Kind = "metric"
    depth_range: tuple[float, float] | None = None
    focal_length: float | None = None
    focal_source: FocalSource | None = None
    metres_follow_focal: bool = False
    classes: tuple[tuple[str, float], ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Say in one line what this is, without its arrays."""
        height, width = self.size
        parts = [f"{self.kind}, {width}x{height} px"]
        if self.focal_length is not None:
            parts.append(f"focal_length={self.focal_length:.4g} px ({self.focal_source})")
        if "model" in self.metadata:
            parts.append(f"model={self.metadata['model']}")
        return f"DepthResult({', '.join(parts)})"

    @property
    def depth(self) -> np.ndarray:
        """Distance along the optical axis [m], float32 (H, W).

        Raises:
            InputError: the result is relative, so its scale is unknown.
        """
        if self.kind == "relative":
            raise InputError(
                "depth: this result is relative, the scale and shift of its disparities are unknown; use .disparity, "
                "or .align(reference) and .to_metric(alignment) with some known distances, or a metric model"
            )
        return self.values

    @property
    def disparity(self) -> np.ndarray:
        """Larger is nearer, float32 (H, W): `values` of a relative result, 1/depth [1/m] of a metric one.

        NaN where a metric result has no depth.
        """
        if self.kind == "relative":
            return self.values
        disparity = np.full(self.size, np.nan, np.float32)
        return np.divide(1, self.values, out=disparity, where=self.valid)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width [px] of the image and of its values."""
        return self.values.shape

    @property
    def valid(self) -> np.ndarray:
        """Where there is a value, boolean (H, W): finite, and of a metric result also positive."""
        return np.isfinite(self.values) if self.kind == "relative" else is_valid(self.values)

    @property
    def intrinsics(self) -> np.ndarray:
        """Camera matrix [px] (3, 3), centred; without a focal length that of NYU Depth V2, scaled."""
        focal = self.focal_length or NYU_INTRINSICS[0, 0] / max(NYU_SHAPE) * max(self.size)
        return focal_intrinsics(focal, self.size)

    @property
    def field_of_view(self) -> float | None:
        """Angle [degrees] that the image's longer side spans at `focal_length`; None where that is not known."""
        return math.degrees(2 * math.atan(max(self.size) / 2 / self.focal_length)) if self.focal_length else None

    def color_range(self, depth_range: tuple[float, float] | None = None) -> tuple[float, float]:
        """Return the ends of the colour bar: near and far [m]; of a relative result far and near in disparity.

        Args:
            depth_range: [m]; None for the percentiles 2 and 98 of the result, in metres rounded to readable numbers
                (`readable_range`).

        Raises:
            InputError: the range is empty, or it is given for a relative result.
        """
        if self.kind == "metric":
            return readable_range(self.values, self.depth_range) if depth_range is None else check_range(depth_range)
        if depth_range is not None:
            raise InputError(RANGE_OF_RELATIVE)
        return disparity_range(self.values)

    def colored(self, depth_range: tuple[float, float] | None = None, side_by_side: bool = False) -> np.ndarray:
        """Draw the map in colour with a colour bar.

        A metric result is red near and blue far, with a bar in metres. A relative one is bright near and dark far, its
        bar has no numbers. The colours follow the image: give a range to compare images in metres; those of relative
        results cannot be compared.

        Args:
            depth_range: see `color_range`.
            side_by_side: put the image beside it.

        Returns:
            uint8 RGB (H', W', 3).

        Raises:
            InputError: see `color_range`.
        """
        ends = self.color_range(depth_range)
        if self.kind == "relative":
            if side_by_side:
                return draw_disparity_beside(self.image, self.values, ends)
            return draw_disparity_map(self.values, ends)
        if side_by_side:
            return draw_side_by_side(self.image, self.values, depth_range=ends)
        return draw_depth_map(self.values, ends)

    def point_cloud(self) -> tuple[np.ndarray, np.ndarray]:
        """Return points float32 (N, 3), x right, y down, z forward, and their colours, uint8 (N, 3).

        The points of a metric result are in metres, and their shape is right as far as `intrinsics` is. The shape of a
        relative result's points is **not** that of the scene, because the shift of its disparities is unknown: it is
        taken as 0, the median distance as 1 (no unit), and what is more than 20 times as far is left out. `align` and
        `to_metric` give the true shape.
        """
        if self.kind == "metric":
            return depth_to_points(self.values, self.intrinsics, self.image)
        disparity = np.where(self.valid & (self.values > 0), self.values, 0)
        median = np.median(disparity[disparity > 0]) if disparity.any() else 1
        near = disparity * _FARTHEST >= median
        distance = np.divide(median, disparity, out=np.zeros(self.size, np.float32), where=near)
        return depth_to_points(distance, self.intrinsics, self.image)

    def align(self, reference: np.ndarray) -> Alignment:
        """Fit 1/depth = scale * disparity + shift to known distances, by least squares on 1/depth.

        A metric result can be aligned too, which corrects its metres. See `depthkit.apis.alignment.fit_alignment`.

        Args:
            reference: depth [m] (H, W), 0 or NaN where unknown; or points (N, 3) of x [px], y [px] and depth [m].

        Raises:
            InputError: the reference cannot be used.
        """
        return fit_alignment(self.disparity, reference)

    def to_metric(self, alignment: Alignment, max_depth: float = math.inf) -> "DepthResult":
        """Return this result in metres, by the scale and shift that `align` found.

        Where scale * disparity + shift is not positive, farther than infinity, there is no depth: 0. Just before
        infinity metres are huge and say nothing, such as 51436 m in a room: give `max_depth` to leave them out.

        Args:
            alignment: scale [1/m] and shift [1/m].
            max_depth: [m]; what would be farther has no depth.

        Raises:
            InputError: the scale is not positive, a number of the alignment is not finite, or `max_depth` is not
                positive.
        """
        scale, shift = (float(number) for number in alignment)
        if not (np.isfinite([scale, shift]).all() and scale > 0):
            raise InputError(f"alignment: scale {scale:g} and shift {shift:g}; expected finite numbers, scale above 0")
        if not max_depth > 0:
            raise InputError(f"max_depth={max_depth:g}: expected metres, more than 0")
        inverse = scale * self.disparity.astype(np.float64) + shift
        depth = np.divide(1, inverse, out=np.zeros(self.size), where=inverse > np.finfo(np.float32).tiny)
        depth[depth > max_depth] = 0
        note = f"1/depth = {scale:.9g} * disparity + {shift:.9g}"
        return replace(
            self,
            values=depth.astype(np.float32),
            kind="metric",
            metres_follow_focal=False,
            metadata={**self.metadata, "alignment": note},
        )

    def describe(self) -> dict[str, str]:
        """Return what the files say about the values: kind, quantity, unit, focal length, and `metadata`."""
        metric = self.kind == "metric"
        text = {"kind": self.kind, "quantity": "depth" if metric else "disparity", "unit": "m" if metric else "none"}
        if self.focal_length is not None:
            text["focal_length"] = f"{self.focal_length:.9g}"
            text["focal_source"] = self.focal_source or "unknown"
            if metric:
                text["metres_follow_focal"] = str(self.metres_follow_focal).lower()
        return {**self.metadata, **text}

    def save(
        self,
        out_dir: str | Path,
        stem: str,
        depth_range: tuple[float, float] | None = None,
        side_by_side: bool = False,
        point_cloud: bool = False,
        float_format: FloatFormat = "npy",
    ) -> SavedFiles:
        """Write the files of `output_paths` into an existing folder, each complete or not at all.

        `describe` goes into their texts: PNG chunks, TIFF's image description, EXR's header, PLY's comments.

        Args:
            out_dir: the folder.
            stem: how the names of the files begin.
            depth_range: see `color_range`.
            side_by_side: also write image and depth in one image.
            point_cloud: also write the point cloud.
            float_format: of the file of float32 values.

        Returns:
            The files, and how many pixels the PNG could not hold.

        Raises:
            InputError: a file cannot be written, the format needs a package that is not installed, or see
                `color_range`.
        """
        check_float_format(float_format)
        paths = output_paths(out_dir, stem, self.kind, side_by_side, point_cloud, float_format)
        text, saturated = self.describe(), 0
        low, high = self.color_range(depth_range)
        colors = {**text, "color_range": f"{low:.9g} {high:.9g}"}
        write_rgb(paths["colored"], self.colored(depth_range), colors)
        if self.kind == "metric":
            saturated = write_depth_png(paths["depth_png"], self.values, text)
            write_float_map(paths[f"depth_{float_format}"], self.values, text, channel="Z")
        else:
            write_disparity_png(paths["disparity_png"], self.values, text)
            write_float_map(paths[f"disparity_{float_format}"], self.values, text)
        if side_by_side:
            write_rgb(paths["side_by_side"], self.colored(depth_range, side_by_side=True), colors)
        if point_cloud:
            shape = {} if self.kind == "metric" else {"shape": SHAPE_OF_RELATIVE}
            write_point_cloud_ply(paths["points"], *self.point_cloud(), {**text, **shape})
        return SavedFiles(paths, saturated)
