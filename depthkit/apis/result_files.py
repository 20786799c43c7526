"""The files of one image's depth: which there are, what they are called, and which were written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from depthkit.errors import InputError
from depthkit.utils.float_map import check_float_format
from depthkit.utils.glb import check_glb

Kind = Literal["metric", "relative"]

# Output: the kind of its file in results, and how the file's name ends. What the values are stands in {}: depth of a
# metric result, disparity of a relative one.
_FILES = {
    "colored": ("colored", "colored.png"),
    "depth": ("depth_png", "depth.png"),
    "disparity": ("disparity_png", "disparity.png"),
    "npy": ("{}_npy", "{}.npy"),
    "tiff": ("{}_tiff", "{}.tiff"),
    "exr": ("{}_exr", "{}.exr"),
    "side_by_side": ("side_by_side", "side_by_side.png"),
    "normals": ("normals", "normals.png"),
    "points": ("points", "points.ply"),
    "points_glb": ("points_glb", "points.glb"),
    "mesh": ("mesh", "mesh.glb"),
}
OUTPUTS = tuple(_FILES)
WITH_COLOR_BAR = frozenset({"colored", "side_by_side"})
IN_SPACE = frozenset({"normals", "points", "points_glb", "mesh"})  # their shape depends on the focal length


@dataclass(frozen=True)
class SavedFiles:
    """What `DepthResult.save` wrote.

    Attributes:
        paths: the files by kind, see `output_paths`.
        saturated: number of pixels beyond 65.535 m, which the 16-bit PNG stores as 65.535 m; 0 where there is none.
        color_range: ends of the colour bar, see `DepthResult.color_range`; also where none was drawn.
    """

    paths: dict[str, Path]
    saturated: int
    color_range: tuple[float, float]


def check_outputs(outputs: Sequence[str] | None) -> None:
    """Check what can be checked before a model is loaded: names, and packages that write these files.

    Raises:
        InputError: a name is unknown, or a package is not installed.
    """
    names = [name.removeprefix("+") for name in outputs or ()]
    for name in names:
        if name not in _FILES:
            raise InputError(f"output {name!r}: expected names among {', '.join(OUTPUTS)}, with commas between them")
    if "exr" in names:
        check_float_format("exr")
    if {"points_glb", "mesh"} & set(names):
        check_glb()


def choose_outputs(outputs: Sequence[str] | None, kind: Kind) -> tuple[str, ...]:
    """Return the outputs to write, in the order of `OUTPUTS`.

    Args:
        outputs: names; those with a + in front come in addition to the default, which is ``colored``, ``npy``, and
            ``depth`` of a metric result, ``disparity`` of a relative one. None for the default.
        kind: of the results.

    Raises:
        InputError: as `check_outputs`; or the results are relative, and depth is asked for.
    """
    check_outputs(outputs)
    given = outputs or ()
    names = {name.removeprefix("+") for name in given}
    if all(name.startswith("+") for name in given):
        names |= {"colored", "npy", "depth" if kind == "metric" else "disparity"}
    if kind == "relative" and "depth" in names:
        raise InputError("output 'depth': is in metres, but this model's results are relative; ask for disparity")
    return tuple(name for name in OUTPUTS if name in names)


def output_paths(
    out_dir: str | Path, stem: str, kind: Kind = "metric", outputs: Sequence[str] | None = None
) -> dict[str, Path]:
    """Return the files that `DepthResult.save` writes with these arguments, by kind.

    ``colored``: ``_colored.png``, the map in colour. ``depth_png``: ``_depth.png``, 16-bit [mm]. ``disparity_png``:
    ``_disparity.png``, 16-bit with its range in the text chunks. ``depth_npy``, ``depth_tiff``, ``depth_exr``:
    ``_depth.npy`` and so on, float32 [m]; of a relative result ``disparity_npy``: ``_disparity.npy``.
    ``side_by_side``: ``_side_by_side.png``, image and map. ``normals``: ``_normals.png``. ``points``: ``_points.ply``,
    and ``points_glb``: ``_points.glb``. ``mesh``: ``_mesh.glb``.
    """
    quantity = "depth" if kind == "metric" else "disparity"
    files = [_FILES[name] for name in choose_outputs(outputs, kind)]
    return {key.format(quantity): Path(out_dir) / f"{stem}_{ending.format(quantity)}" for key, ending in files}
