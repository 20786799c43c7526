"""The depth of one image: maps in colour, point clouds, and the files of both."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from depthkit.errors import InputError
from depthkit.utils.camera import NYU_INTRINSICS, NYU_SHAPE, focal_intrinsics
from depthkit.utils.io import write_depth_npy, write_depth_png, write_point_cloud_ply, write_rgb
from depthkit.visualization import DEFAULT_RANGE, depth_to_points, draw_depth_map, draw_side_by_side
from depthkit.visualization.depth_map import is_valid

Kind = Literal["metric", "relative"]
FocalSource = Literal["given", "exif", "assumed"]


@dataclass(frozen=True)
class SavedFiles:
    """What `DepthResult.save` wrote.

    Attributes:
        paths: the files by kind: ``colored``, ``depth_png``, ``depth_npy``, and ``side_by_side`` and ``points``
            if asked.
        saturated: number of pixels beyond 65.535 m, which the 16-bit PNG stores as 65.535 m.
    """

    paths: dict[str, Path]
    saturated: int


@dataclass(frozen=True)
class DepthResult:
    """The depth of one image, in metres or relative.

    Attributes:
        values: float32 (H, W), at the image's own size. Of a metric result the distance along the optical axis [m]. Of
            a relative one the disparity: larger is nearer, and 1/depth = scale * disparity + shift with two unknown
            numbers that differ from image to image (MiDaS, Ranftl et al., TPAMI 2022).
        image: the image, upright, uint8 RGB (H, W, 3).
        kind: ``metric`` or ``relative``.
        depth_range: default ends of the colour bar [m]: the range of the model; None for 0 to 10 m. Without meaning
            for a relative result.
        focal_length: [px], at the image's size; None where it is not known.
        focal_source: where it is from: ``given`` by the caller, the image's ``exif``, or ``assumed``; None where it is
            not known.
        classes: names and probabilities of the five likeliest ImageNet classes, from a model with a classifier.
        metadata: what else is known, by name: the model, its licence and so on. It goes into the files.
    """

    values: np.ndarray
    image: np.ndarray
    kind: Kind = "metric"
    depth_range: tuple[float, float] | None = None
    focal_length: float | None = None
    focal_source: FocalSource | None = None
    classes: tuple[tuple[str, float], ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def depth(self) -> np.ndarray:
        """Distance along the optical axis [m], float32 (H, W).

        Raises:
            InputError: the result is relative, so its scale is unknown.
        """
        if self.kind == "relative":
            raise InputError(
                "depth: this result is relative, its disparities have an unknown scale and shift; use .disparity, "
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
        """Camera matrix [px] (3, 3), centred; without an EXIF focal length that of NYU Depth V2, scaled."""
        focal = self.focal_length or NYU_INTRINSICS[0, 0] / max(NYU_SHAPE) * max(self.size)
        return focal_intrinsics(focal, self.size)

    def colored(self, depth_range: tuple[float, float] | None = None, side_by_side: bool = False) -> np.ndarray:
        """Draw the depth map in colour (red is near, blue is far) with a colour bar in metres.

        Args:
            depth_range: ends of the colour bar [m]; None for the model's range.
            side_by_side: put the image beside it.

        Returns:
            uint8 RGB (H', W', 3).
        """
        depth_range = depth_range or self.depth_range or DEFAULT_RANGE
        if side_by_side:
            return draw_side_by_side(self.image, self.depth, depth_range=depth_range)
        return draw_depth_map(self.depth, depth_range)

    def point_cloud(self) -> tuple[np.ndarray, np.ndarray]:
        """Return points [m] float32 (N, 3), x right, y down, z forward, and their colours, uint8 (N, 3).

        The shape is right only as far as `intrinsics` is.
        """
        return depth_to_points(self.depth, self.intrinsics, self.image)

    def save(
        self,
        out_dir: str | Path,
        stem: str,
        depth_range: tuple[float, float] | None = None,
        side_by_side: bool = False,
        point_cloud: bool = False,
    ) -> SavedFiles:
        """Write the files of `output_paths` into an existing folder, each complete or not at all.

        Args:
            out_dir: the folder.
            stem: how the names of the files begin.
            depth_range: ends of the colour bar [m]; None for the model's range.
            side_by_side: also write image and depth in one image.
            point_cloud: also write the point cloud.

        Returns:
            The files, and how many pixels the PNG could not hold.

        Raises:
            InputError: a file cannot be written.
        """
        paths = output_paths(out_dir, stem, side_by_side, point_cloud)
        write_rgb(paths["colored"], self.colored(depth_range))
        saturated = write_depth_png(paths["depth_png"], self.depth)
        write_depth_npy(paths["depth_npy"], self.depth)
        if side_by_side:
            write_rgb(paths["side_by_side"], self.colored(depth_range, side_by_side=True))
        if point_cloud:
            write_point_cloud_ply(paths["points"], *self.point_cloud())
        return SavedFiles(paths, saturated)


def output_paths(
    out_dir: str | Path, stem: str, side_by_side: bool = False, point_cloud: bool = False
) -> dict[str, Path]:
    """Return the files that `DepthResult.save` writes with these arguments, by kind.

    ``_colored.png``; ``_depth.png``, 16-bit [mm]; ``_depth.npy``, float32 [m]; and ``_side_by_side.png`` and
    ``_points.ply`` if asked.
    """
    suffixes = {"colored": "_colored.png", "depth_png": "_depth.png", "depth_npy": "_depth.npy"}
    if side_by_side:
        suffixes["side_by_side"] = "_side_by_side.png"
    if point_cloud:
        suffixes["points"] = "_points.ply"
    return {kind: Path(out_dir) / f"{stem}{suffix}" for kind, suffix in suffixes.items()}
