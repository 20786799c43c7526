"""The depth of one image as numbers, metric or relative, and how one becomes the other."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from depthkit.apis.alignment import Alignment, apply_alignment, fit_alignment
from depthkit.apis.result_files import Kind
from depthkit.errors import InputError
from depthkit.utils.camera import NYU_INTRINSICS, NYU_SHAPE, pinhole
from depthkit.visualization.color_range import is_valid
from depthkit.visualization.point_cloud import relative_distance

FocalSource = Literal["given", "exif", "assumed"]


@dataclass(frozen=True)
class DepthValues:
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
        reduction: both sides of the file's image were divided by this number when it was decoded.
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
    reduction: int = 1

    def __repr__(self) -> str:
        """Say in one line what this is, without its arrays."""
        height, width = self.size
        reduced = f" at 1/{self.reduction} of its size" if self.reduction > 1 else ""
        parts = [f"{self.kind}, {width}x{height} px{reduced}"]
        if self.focal_length is not None:
            parts.append(f"focal_length={self.focal_length:.4g} px ({self.focal_source})")
        if "model" in self.metadata:
            parts.append(f"model={self.metadata['model']}")
        return f"{type(self).__name__}({', '.join(parts)})"

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
        """Camera matrix [px] (3, 3), centred, of square pixels; without a focal length as wide as NYU's."""
        focal = self.focal_length or NYU_INTRINSICS[0, 0] / max(NYU_SHAPE) * max(self.size)
        height, width = self.size
        return pinhole(focal, focal, (width - 1) / 2, (height - 1) / 2)

    @property
    def field_of_view(self) -> float | None:
        """Angle [degrees] that the image's longer side spans at `focal_length`; None where that is not known."""
        return math.degrees(2 * math.atan(max(self.size) / 2 / self.focal_length)) if self.focal_length else None

    @property
    def distance(self) -> np.ndarray:
        """Distance along the optical axis, float32 (H, W): `depth`; of a relative result `relative_distance`."""
        return self.values if self.kind == "metric" else relative_distance(self.values)

    def align(self, reference: np.ndarray) -> Alignment:
        """Fit 1/depth = scale * disparity + shift to known distances, by least squares on 1/depth.

        A metric result can be aligned too, which corrects its metres. See `depthkit.apis.alignment.fit_alignment`.

        Args:
            reference: depth [m] (H, W), 0 or NaN where unknown; or points (N, 3) of x [px], y [px] and depth [m].

        Raises:
            InputError: the reference cannot be used.
        """
        return fit_alignment(self.disparity, reference)

    def to_metric(self, alignment: Alignment, max_depth: float = math.inf) -> "DepthValues":
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
        depth = apply_alignment(self.disparity, alignment, max_depth)
        scale, shift = alignment
        note = f"1/depth = {scale:.9g} * disparity + {shift:.9g}"
        return replace(
            self,
            values=depth,
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
