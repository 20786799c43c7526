"""The depth of one image to look at: colours, normals, point clouds, meshes, and their files."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from depthkit.apis.depth_values import DepthValues
from depthkit.apis.result_files import SavedFiles, choose_outputs, output_paths
from depthkit.errors import InputError
from depthkit.utils.disparity_png import write_disparity_png
from depthkit.utils.float_map import write_float_map
from depthkit.utils.glb import write_mesh_glb, write_points_glb
from depthkit.utils.io import write_depth_png, write_point_cloud_ply, write_rgb
from depthkit.utils.output_folder import make_output_folder
from depthkit.utils.png_file import write_png
from depthkit.visualization.color_range import SharedRange, check_range, disparity_range, readable_range
from depthkit.visualization.depth_map import DEPTH_COLORMAP, draw_depth_map, draw_side_by_side
from depthkit.visualization.disparity_map import DISPARITY_COLORMAP, draw_disparity_beside, draw_disparity_map
from depthkit.visualization.normals import depth_to_normals, normal_color_blocks
from depthkit.visualization.point_cloud import Mesh, depth_to_mesh, depth_to_points

_NOTEBOOK_SIDE = 800  # [px]
SHAPE_OF_RELATIVE = "not the scene's: the shift of relative disparities is unknown, 0 here; the median distance is 1"
RANGE_OF_RELATIVE = "range: is in metres, but this model's results are relative; leave it out, or use a metric model"


@dataclass(frozen=True, repr=False)
class DepthResult(DepthValues):
    """The depth of one image, in metres or relative, and what can be made of it.

    `DepthValues` has its attributes.
    """

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

    def colored(
        self,
        depth_range: tuple[float, float] | None = None,
        side_by_side: bool = False,
        colormap: str | None = None,
    ) -> np.ndarray:
        """Draw the map in colour with a colour bar.

        A metric result is red near and blue far, with a bar in metres. A relative one is bright near and dark far, its
        bar has no numbers. The colours follow the image: give a range to compare images in metres; those of relative
        results cannot be compared.

        Args:
            depth_range: see `color_range`.
            side_by_side: put the image beside it.
            colormap: matplotlib's name, its first colour is near; None for ``turbo_r``, of a relative result
                ``magma_r``.

        Returns:
            uint8 RGB (H', W', 3).

        Raises:
            InputError: see `color_range`; or there is no such colormap.
        """
        return self._draw(self.color_range(depth_range), side_by_side, colormap)

    def _draw(self, ends: tuple[float, float], side_by_side: bool, colormap: str | None) -> np.ndarray:
        if self.kind == "relative":
            colormap = colormap or DISPARITY_COLORMAP
            if side_by_side:
                return draw_disparity_beside(self.image, self.values, ends, colormap)
            return draw_disparity_map(self.values, ends, colormap)
        colormap = colormap or DEPTH_COLORMAP
        if side_by_side:
            return draw_side_by_side(self.image, self.values, None, ends, colormap)
        return draw_depth_map(self.values, ends, colormap)

    def compared(
        self, gt: np.ndarray, depth_range: tuple[float, float] | None = None, colormap: str | None = None
    ) -> np.ndarray:
        """Draw image | ground truth | prediction | error (`draw_side_by_side`).

        Args:
            gt: depth [m] (h, w), 0 or NaN where unknown.
            depth_range: [m]; None for the percentiles of both maps together.
            colormap: see `colored`.

        Returns:
            uint8 RGB (H', W', 3).

        Raises:
            InputError: see `depth` and `colored`.
        """
        shared = SharedRange()
        for depth in (self.depth, gt):
            shared.add(depth)
        ends = shared.ends() if depth_range is None else depth_range
        return draw_side_by_side(self.image, self.depth, gt, ends, colormap or DEPTH_COLORMAP)

    def normals(self) -> np.ndarray:
        """Return the normals of the surface, float32 (H, W, 3), in the axes right, down and forward.

        They point to the camera (`depth_to_normals`). Their directions are right as far as `intrinsics` is; for a
        relative result see `point_cloud`. `depthkit.visualization.colorize_normals` makes colours of them.
        """
        return depth_to_normals(self.distance, self.intrinsics)

    def point_cloud(self, remove_flying_pixels: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return points float32 (N, 3), x right, y down, z forward, and their colours, uint8 (N, 3).

        The points of a metric result are in metres, and their shape is right as far as `intrinsics` is. The shape of a
        relative result's points is **not** that of the scene, because the shift of its disparities is unknown: it is
        taken as 0, the median distance as 1 (no unit), and what is more than 20 times as far is left out. `align` and
        `to_metric` give the true shape.

        Args:
            remove_flying_pixels: leave out points between two surfaces (`flying_pixels`).
        """
        return depth_to_points(self.distance, self.intrinsics, self.image, remove_flying_pixels)

    def mesh(self, remove_flying_pixels: bool = False) -> Mesh:
        """Return the surface as triangles (`depth_to_mesh`), in the axes and units of `point_cloud`."""
        return depth_to_mesh(self.distance, self.intrinsics, self.image, remove_flying_pixels)

    def save_point_cloud(self, path: str | Path, remove_flying_pixels: bool = False) -> None:
        """Write `point_cloud` as ``.ply`` (x right, y down, z forward) or as ``.glb`` (y up, as glTF has it).

        Raises:
            InputError: another suffix, or the file cannot be written.
        """
        points, colors = self.point_cloud(remove_flying_pixels)
        suffix = Path(path).suffix.lower()
        if suffix not in (".ply", ".glb"):
            raise InputError(f"{path}: '{suffix}' is not a known format of point clouds; expected .ply or .glb")
        (write_point_cloud_ply if suffix == ".ply" else write_points_glb)(path, points, colors, self._shape_text())

    def save_mesh(self, path: str | Path, remove_flying_pixels: bool = False) -> None:
        """Write `mesh` with the image on it as ``.glb`` (y up, as glTF has it).

        Raises:
            InputError: another suffix, or the file cannot be written.
        """
        if Path(path).suffix.lower() != ".glb":
            raise InputError(f"{path}: a mesh is written as GLB; give a name that ends in .glb")
        write_mesh_glb(path, *self.mesh(remove_flying_pixels), self.image, self._shape_text())

    def _shape_text(self) -> dict[str, str]:
        return {**self.describe(), **({} if self.kind == "metric" else {"shape": SHAPE_OF_RELATIVE})}

    def save(
        self,
        out_dir: str | Path,
        stem: str,
        outputs: Sequence[str] | None = None,
        depth_range: tuple[float, float] | None = None,
        colormap: str | None = None,
        remove_flying_pixels: bool = False,
    ) -> SavedFiles:
        """Write the files of `output_paths` into a folder, which is made; each complete or not at all.

        `describe` goes into their texts: PNG chunks, TIFF's image description, EXR's header, PLY's comments, GLB's
        extras.

        Args:
            out_dir: the folder.
            stem: how the names of the files begin.
            outputs: what to write, see `choose_outputs`.
            depth_range: see `color_range`.
            colormap: see `colored`.
            remove_flying_pixels: from points and mesh.

        Returns:
            The files, how many pixels the 16-bit PNG of depth could not hold, and the ends of the colours.

        Raises:
            InputError: a file cannot be written, an output is unknown or needs a package that is not installed, or see
                `colored`.
        """
        names = choose_outputs(outputs, self.kind)
        paths = output_paths(make_output_folder(out_dir), stem, self.kind, outputs)
        text, saturated = self.describe(), 0
        low, high = self.color_range(depth_range)
        colors = {**text, "color_range": f"{low:.9g} {high:.9g}"}
        for name, path in zip(names, paths.values(), strict=True):
            if name in ("colored", "side_by_side"):
                write_rgb(path, self._draw((low, high), name == "side_by_side", colormap), colors)
            elif name == "depth":
                saturated = write_depth_png(path, self.values, text)
            elif name == "disparity":
                write_disparity_png(path, self.disparity, _disparity_text(text))
            elif name == "normals":
                blocks = normal_color_blocks(self.distance, self.intrinsics)
                write_png(path, self.image.shape, blocks, self._shape_text())
            elif name == "mesh":
                self.save_mesh(path, remove_flying_pixels)
            elif name in ("points", "points_glb"):
                self.save_point_cloud(path, remove_flying_pixels)
            else:
                write_float_map(path, self.values, text, channel="Z" if self.kind == "metric" else "Y")
        return SavedFiles(paths, saturated, (low, high))

    def _repr_png_(self) -> bytes:
        """Return the map in colour as a PNG file, small enough for a notebook."""
        step = math.ceil(max(self.size) / _NOTEBOOK_SIDE)
        small = replace(self, values=self.values[::step, ::step], image=self.image[::step, ::step])
        stream = io.BytesIO()
        Image.fromarray(small.colored(self.color_range() if self.kind == "metric" else None)).save(stream, "png")
        return stream.getvalue()


def _disparity_text(text: dict[str, str]) -> dict[str, str]:
    unit = "1/m" if text["kind"] == "metric" else "none"
    return {**text, "quantity": "disparity", "unit": unit}
