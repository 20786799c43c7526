"""The files of one image's depth: what they are called, and which were written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from depthkit.utils.float_map import FloatFormat

Kind = Literal["metric", "relative"]


@dataclass(frozen=True)
class SavedFiles:
    """What `DepthResult.save` wrote.

    Attributes:
        paths: the files by kind, see `output_paths`.
        saturated: number of pixels beyond 65.535 m, which the 16-bit PNG stores as 65.535 m; 0 of a relative result.
    """

    paths: dict[str, Path]
    saturated: int


def output_paths(
    out_dir: str | Path,
    stem: str,
    kind: Kind = "metric",
    side_by_side: bool = False,
    point_cloud: bool = False,
    float_format: FloatFormat = "npy",
) -> dict[str, Path]:
    """Return the files that `DepthResult.save` writes with these arguments, by kind.

    ``colored``: ``_colored.png``. Of a metric result ``depth_png``: ``_depth.png``, 16-bit [mm], and ``depth_npy``:
    ``_depth.npy``, float32 [m]; of a relative one ``disparity_png``: ``_disparity.png``, 16-bit with its range in the
    text chunks, and ``disparity_npy``: ``_disparity.npy``, float32. Another `float_format` takes the place of npy. If
    asked, ``side_by_side``: ``_side_by_side.png``, and ``points``: ``_points.ply``.
    """
    quantity = "depth" if kind == "metric" else "disparity"
    suffixes = {"colored": "colored.png", f"{quantity}_png": f"{quantity}.png"}
    suffixes[f"{quantity}_{float_format}"] = f"{quantity}.{float_format}"
    if side_by_side:
        suffixes["side_by_side"] = "side_by_side.png"
    if point_cloud:
        suffixes["points"] = "points.ply"
    return {name: Path(out_dir) / f"{stem}_{suffix}" for name, suffix in suffixes.items()}
