"""GLB files, read back by trimesh and by hand."""

import json
import struct

import numpy as np
import pytest

from depthkit.errors import InputError
from depthkit.utils.glb import check_glb, write_mesh_glb, write_points_glb

POINTS = np.array([[1, 2, 3], [-1, 0, 5]], np.float32)


def read_tree(path):
    content = path.read_bytes()
    magic, version, size, length, kind = struct.unpack("<4sIII4s", content[:20])
    assert (magic, version, size, kind) == (b"glTF", 2, len(content), b"JSON")
    return json.loads(content[20 : 20 + length])


def test_points_come_back_with_y_up_and_linear_colours(tmp_path):
    trimesh = pytest.importorskip("trimesh", reason="needs trimesh: pip install 'depthkit[glb]'")
    write_points_glb(tmp_path / "p.glb", POINTS, np.array([[255, 0, 188], [0, 1, 2]], np.uint8), {"model": "m"})
    tree = read_tree(tmp_path / "p.glb")
    assert tree["asset"]["extras"] == {"model": "m"} and tree["extensionsUsed"] == ["KHR_materials_unlit"]
    (cloud,) = trimesh.load_scene(tmp_path / "p.glb").geometry.values()
    np.testing.assert_array_equal(cloud.vertices, [[1, -2, -3], [-1, 0, -5]])
    assert cloud.colors.tolist() == [[255, 0, 128, 255], [0, 0, 0, 255]]  # sRGB 188 is half of the light


def test_a_mesh_comes_back_with_its_image(tmp_path):
    trimesh = pytest.importorskip("trimesh", reason="needs trimesh: pip install 'depthkit[glb]'")
    vertices = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1]], np.float32)
    uv = np.array([[0.25, 0.25], [0.25, 0.75], [0.75, 0.25]])
    image = np.zeros((8, 16, 3), np.uint8)
    image[:4, :8] = 200, 30, 30
    write_mesh_glb(tmp_path / "m.glb", vertices, np.array([[0, 1, 2]]), uv, image)
    tree = read_tree(tmp_path / "m.glb")
    (material,) = tree["materials"]
    assert material["extensions"] == {"KHR_materials_unlit": {}} and material["doubleSided"]
    (mesh,) = trimesh.load_scene(tmp_path / "m.glb").geometry.values()
    np.testing.assert_array_equal(mesh.vertices, [[0, 0, -1], [0, -1, -1], [1, 0, -1]])
    np.testing.assert_allclose(mesh.visual.uv, [[0.25, 0.75], [0.25, 0.25], [0.75, 0.75]])
    texture = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB")).astype(int)
    assert texture.shape == image.shape and np.abs(texture[1, 2] - [200, 30, 30]).max() < 12


def test_without_points_it_is_an_empty_scene(tmp_path):
    pytest.importorskip("trimesh", reason="needs trimesh: pip install 'depthkit[glb]'")
    write_points_glb(tmp_path / "p.glb", POINTS[:0], np.zeros((0, 3), np.uint8))
    empty = np.zeros((0, 3), np.float32)
    write_mesh_glb(tmp_path / "m.glb", empty, np.zeros((0, 3), int), empty[:, :2], np.zeros((1, 1, 3), np.uint8))
    assert not any(read_tree(tmp_path / name).get("meshes") for name in ("p.glb", "m.glb"))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"need the package trimesh; run: pip install 'depthkit\[glb\]'"):
        check_glb()
