"""DepthResult: what it derives from a depth map, and the files it writes."""

import numpy as np
import pytest
from PIL import Image

from depthkit.apis.result import DepthResult, output_paths
from depthkit.errors import InputError
from depthkit.utils.io import read_depth
from depthkit.visualization import draw_depth_map


def test_without_a_focal_length_the_camera_is_nyus():
    shape = (480, 640)
    result = DepthResult(np.ones(shape, np.float32), np.zeros((*shape, 3), np.uint8))
    np.testing.assert_allclose(result.intrinsics, [[518.858, 0, 325.582], [0, 519.470, 253.736], [0, 0, 1]], atol=1e-3)
    tall = DepthResult(np.ones((1280, 960), np.float32), np.zeros((1280, 960, 3), np.uint8))
    assert tall.intrinsics[0, 0] == pytest.approx(2 * 518.858, abs=1e-2)


@pytest.mark.parametrize("options", [{}, {"side_by_side": True}, {"side_by_side": True, "point_cloud": True}])
def test_saves_what_it_says(tmp_path, options):
    depth = np.random.default_rng(0).uniform(0.5, 7, (120, 160)).astype(np.float32)
    result = DepthResult(depth, np.zeros((120, 160, 3), np.uint8), depth_range=(0, 8))
    saved = result.save(tmp_path, "p", **options)
    assert saved.saturated == 0
    assert set(saved.paths) == {"colored", "depth_png", "depth_npy"} | {
        {"side_by_side": "side_by_side", "point_cloud": "points"}[name] for name in options
    }
    assert saved.paths == output_paths(tmp_path, "p", **options)
    assert set(saved.paths.values()) == set(tmp_path.iterdir())
    np.testing.assert_array_equal(np.load(tmp_path / "p_depth.npy"), result.depth)
    np.testing.assert_allclose(read_depth(tmp_path / "p_depth.png"), result.depth, atol=5.1e-4)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "p_colored.png")), result.colored())
    assert (result.colored() == draw_depth_map(result.depth, (0, 8))).all()
    if "point_cloud" in options:
        assert b"element vertex 19200" in saved.paths["points"].read_bytes()[:200]


def test_saving_counts_what_16_bits_cannot_hold(tmp_path):
    depth = np.array([[1, 65.5, 66, 1000]], np.float32)
    assert DepthResult(depth, np.zeros((1, 4, 3), np.uint8)).save(tmp_path, "far").saturated == 2
    assert np.asarray(Image.open(tmp_path / "far_depth.png")).tolist() == [[1000, 65500, 65535, 65535]]


def test_saving_to_no_folder_is_an_error(tmp_path):
    result = DepthResult(np.ones((4, 4), np.float32), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(InputError, match="nowhere/x_colored.png: cannot be written"):
        result.save(tmp_path / "nowhere", "x")
