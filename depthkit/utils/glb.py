"""Point clouds and meshes as GLB files (binary glTF 2.0), which browsers, Blender and phones open.

A file without any point is an empty scene. glTF has y upwards and the viewer looks along -z; here points come in the
camera's axes, y downwards and z forward, and are turned. So the scene is seen as in the image by a viewer in its
origin. Its unit is the metre.
"""

import importlib.util
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from depthkit.errors import InputError
from depthkit.utils.output_file import atomic_path

if TYPE_CHECKING:
    import trimesh

_TO_GLTF = np.array([1, -1, -1], np.float32)
_MAX_POINTS = 2_000_000  # browsers show them fluently
_MAX_TEXTURE = 2048  # [px], what phones take


def check_glb() -> None:
    """Raise `InputError` unless the package that writes GLB files is installed."""
    if importlib.util.find_spec("trimesh") is None:
        raise InputError("GLB files: need the package trimesh; run: pip install 'depthkit[glb]', or choose PLY")


def write_points_glb(
    path: str | os.PathLike, points: np.ndarray, colors: np.ndarray, text: Mapping[str, str] | None = None
) -> None:
    """Write points (N, 3) with uint8 RGB colours (N, 3); of more than two millions every n-th.

    `text` goes into the ``extras`` of the file's ``asset``.

    Raises:
        InputError: the package is missing, or the file cannot be written.
    """
    check_glb()
    import trimesh

    every = -(-len(points) // _MAX_POINTS) or 1
    linear = _linear(colors[::every])
    cloud = trimesh.PointCloud(
        points[::every] * _TO_GLTF, np.column_stack([linear, np.full(len(linear), 255, np.uint8)])
    )
    _write(path, cloud if len(points) else trimesh.Scene(), text)


def write_mesh_glb(
    path: str | os.PathLike,
    vertices: np.ndarray,
    faces: np.ndarray,
    uv: np.ndarray,
    image: np.ndarray,
    text: Mapping[str, str] | None = None,
) -> None:
    """Write a mesh with the image on it; it is shown without lighting, in the image's own colours.

    Args:
        path: the file.
        vertices: (N, 3), x right, y down, z forward.
        faces: (M, 3), the vertices of triangles.
        uv: (N, 2), where a vertex is in the image: fractions from the left and from above.
        image: uint8 RGB (H, W, 3), stored with 2048 px at most.
        text: goes into the ``extras`` of the file's ``asset``.

    Raises:
        InputError: the package is missing, or the file cannot be written.
    """
    check_glb()
    import trimesh
    from trimesh.visual.material import PBRMaterial

    texture = Image.fromarray(image)
    texture.thumbnail((_MAX_TEXTURE, _MAX_TEXTURE))
    texture.format = "JPEG"  # how trimesh is told to store it
    material = PBRMaterial(baseColorTexture=texture, metallicFactor=0.0, roughnessFactor=1.0, doubleSided=True)
    from_below = np.column_stack([uv[:, 0], 1 - uv[:, 1]])
    visual = trimesh.visual.TextureVisuals(uv=from_below, material=material)
    mesh = trimesh.Trimesh(vertices * _TO_GLTF, faces, visual=visual, process=False)
    _write(path, mesh if len(faces) else trimesh.Scene(), text)


def _write(
    path: str | os.PathLike,
    scene: "trimesh.Scene | trimesh.Trimesh | trimesh.PointCloud",
    text: Mapping[str, str] | None,
) -> None:
    from trimesh.exchange.gltf import export_glb

    def finish(tree: dict) -> None:
        tree["asset"]["extras"] = dict(text or {})
        tree["extensionsUsed"] = [*tree.get("extensionsUsed", []), "KHR_materials_unlit"]
        unlit = {"extensions": {"KHR_materials_unlit": {}}}
        tree["materials"] = [{**material, **unlit} for material in tree.get("materials", [])]

    with atomic_path(path) as temporary:
        temporary.write_bytes(export_glb(scene, tree_postprocessor=finish))


def _linear(colors: np.ndarray) -> np.ndarray:
    """Turn sRGB into the linear colours that glTF's vertices have, uint8 both (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    table = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.rint(255 * table).astype(np.uint8)[colors]
