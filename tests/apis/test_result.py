"""DepthResult: what it derives from a depth map, and the files it writes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depthkit.apis.result import DepthResult
from depthkit.apis.result_files import output_paths
from depthkit.errors import InputError
from depthkit.utils.disparity_png import read_disparity_png
from depthkit.utils.io import read_depth
from depthkit.visualization import draw_depth_map, draw_disparity_beside, draw_disparity_map

METADATA = {"model": "some-model", "licence": "CC-BY-NC-4.0", "note": "größer"}


def relative(values, **fields):
    values = np.asarray(values, np.float32)
    return DepthResult(values, np.zeros((*values.shape, 3), np.uint8), "relative", **fields)


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
    assert saved.paths == output_paths(tmp_path, "p", "metric", **options)
    assert set(saved.paths.values()) == set(tmp_path.iterdir())
    np.testing.assert_array_equal(np.load(tmp_path / "p_depth.npy"), result.depth)
    np.testing.assert_allclose(read_depth(tmp_path / "p_depth.png"), result.depth, atol=5.1e-4)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "p_colored.png")), result.colored())
    assert (result.colored() == draw_depth_map(result.depth, result.color_range())).all()
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


def test_a_relative_result_has_no_depth_and_says_why():
    result = relative([[1, 2], [0, -1]])
    with pytest.raises(InputError, match=r"scale and shift .* unknown; use .disparity, or .align\(reference\)"):
        _ = result.depth
    np.testing.assert_array_equal(result.disparity, result.values)
    assert result.valid.all()


def test_the_disparity_of_metres_is_one_over_them():
    depth = np.array([[0.5, 4.0, 0.0, np.nan, -1, np.inf]], np.float32)
    result = DepthResult(depth, np.zeros((1, 6, 3), np.uint8))
    assert result.depth is result.values
    np.testing.assert_array_equal(result.disparity, [[2, 0.25, *[np.nan] * 4]])
    assert result.disparity.dtype == np.float32


def test_the_colours_of_metres_follow_the_image():
    depth = np.random.default_rng(0).uniform(1.53, 2.47, (60, 80)).astype(np.float32)
    result = DepthResult(depth, np.zeros((60, 80, 3), np.uint8))
    assert result.color_range() == (1.5, 2.5) and result.color_range((0, 10)) == (0, 10)
    np.testing.assert_array_equal(result.colored(), draw_depth_map(depth, (1.5, 2.5)))
    assert DepthResult(depth, result.image, depth_range=(0, 2.2)).color_range() == (1.5, 2.2)


def test_a_relative_result_is_drawn_in_its_own_colours():
    result = relative(np.random.default_rng(0).uniform(3, 9, (40, 50)))
    low, high = result.color_range()
    assert 3 < low < 3.5 and 8.5 < high < 9
    np.testing.assert_array_equal(result.colored(), draw_disparity_map(result.values, (low, high)))
    beside = draw_disparity_beside(result.image, result.values, (low, high))
    np.testing.assert_array_equal(result.colored(side_by_side=True), beside)
    with pytest.raises(InputError, match="range: is in metres"):
        result.colored((0, 10))


@pytest.mark.parametrize("kind", ["metric", "relative"])
@pytest.mark.parametrize("float_format", ["npy", "tiff", "exr"])
def test_every_file_says_what_its_numbers_are(tmp_path, kind, float_format):
    if float_format == "exr":
        openexr = pytest.importorskip("OpenEXR", reason="needs OpenEXR: pip install OpenEXR")
    values = np.random.default_rng(0).uniform(0.5, 7, (12, 16)).astype(np.float32)
    image = np.zeros((12, 16, 3), np.uint8)
    result = DepthResult(values, image, kind, focal_length=640.5, focal_source="exif", metadata=METADATA)
    paths = result.save(tmp_path, "p", side_by_side=True, point_cloud=True, float_format=float_format).paths
    assert paths == output_paths(tmp_path, "p", kind, True, True, float_format)
    assert set(paths.values()) == set(tmp_path.iterdir())
    quantity, unit, stored = {"metric": ("depth", "m", "mm"), "relative": ("disparity", "none", "none")}[kind]
    known = {**METADATA, "kind": kind, "quantity": quantity, "focal_length": "640.5", "focal_source": "exif"}
    if kind == "metric":
        known["metres_follow_focal"] = "false"
    for name in ("colored", "side_by_side", f"{quantity}_png"):
        expected = {**known, "unit": stored if name.endswith("_png") else unit}
        text = Image.open(paths[name]).text
        assert expected.items() <= text.items()
        if not name.endswith("_png"):
            assert [float(end) for end in text["color_range"].split()] == pytest.approx(result.color_range())
    header = paths["points"].read_bytes().partition(b"end_header")[0]
    assert f"comment unit: {unit}\n".encode() in header
    assert (b"comment shape: not the scene's" in header) == (kind == "relative")
    floats = paths[f"{quantity}_{float_format}"]
    if float_format == "npy":
        read = np.load(floats)
    elif float_format == "tiff":
        read = np.asarray(Image.open(floats))
    else:
        file = openexr.File(str(floats))
        read = file.channels()["Z" if kind == "metric" else "Y"].pixels
        assert {**known, "unit": unit}.items() <= file.header().items()
    assert read.dtype == np.float32 and read.tobytes() == values.tobytes()


def test_disparities_come_back_from_their_png(tmp_path):
    result = relative(np.random.default_rng(0).uniform(-1, 160, (12, 16)), metadata=METADATA)
    paths = result.save(tmp_path, "p").paths
    disparity, text = read_disparity_png(paths["disparity_png"])
    np.testing.assert_allclose(disparity, result.values, atol=1.01 * 161 / 65534 / 2)
    assert METADATA.items() <= text.items()
    with pytest.raises(InputError, match=r"p_disparity.png: holds relative disparities, whose scale is unknown"):
        read_depth(paths["disparity_png"])


def test_metres_come_back_from_each_file(tmp_path):
    depth = np.random.default_rng(0).uniform(0.5, 7, (12, 16)).astype(np.float32)
    result = DepthResult(depth, np.zeros((12, 16, 3), np.uint8))
    result.save(tmp_path, "p", float_format="tiff")
    np.testing.assert_array_equal(read_depth(tmp_path / "p_depth.tiff"), depth)
    np.testing.assert_allclose(read_depth(tmp_path / "p_depth.png"), depth, atol=5.1e-4)
    relative(depth).save(tmp_path, "r", float_format="tiff")
    with pytest.raises(InputError, match="holds relative disparities"):
        read_depth(tmp_path / "r_disparity.tiff")


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="float format 'jpg': expected one of npy, tiff, exr"):
        relative([[1, 2]]).save(tmp_path, "p", float_format="jpg")
    with pytest.raises(InputError, match="range: is in metres"):
        relative([[1, 2]]).save(tmp_path, "p", depth_range=(0, 3))
    assert not list(tmp_path.iterdir())


def test_the_points_of_a_relative_result_have_no_unit():
    result = relative([[2, 4, 8], [0, -1, np.nan], [0.1, 4, 4]], focal_length=2.0, focal_source="given")
    points, colors = result.point_cloud()
    np.testing.assert_allclose(points[:, 2], [2, 1, 0.5, 1, 1])  # the median is 1; 0.1 is 40 times as far
    assert len(colors) == 5
    assert points[0].tolist() == [-1, -1, 2]
    doubled, _ = relative(3 * result.values, focal_length=2.0, focal_source="given").point_cloud()
    np.testing.assert_allclose(doubled, points, rtol=1e-6)
    assert len(relative([[0, np.nan]]).point_cloud()[0]) == 0


@given(seed=st.integers(0, 2**31), scale=st.floats(1e-2, 1e2), shift=st.floats(0, 1))
def test_aligned_to_metres_it_has_the_metres_back(seed, scale, shift):
    rng = np.random.default_rng(seed)
    disparity = rng.uniform(0.05, 10, (8, 9)).astype(np.float32)
    depth = (1 / (scale * disparity.astype(np.float64) + shift)).astype(np.float32)
    rows, columns = rng.integers(0, 8, 40), rng.integers(0, 9, 40)
    points = np.stack([columns, rows, depth[rows, columns]], axis=1)
    result = relative(disparity, metadata={"model": "m"}, focal_length=9.0, focal_source="given")
    for reference in (depth, points):
        metric = result.to_metric(result.align(reference))
        assert metric.kind == "metric" and metric.values.dtype == np.float32
        np.testing.assert_allclose(metric.depth, depth, rtol=1e-4)
        assert metric.metadata.keys() == {"model", "alignment"} and metric.focal_length == 9
        assert metric.image is result.image
    assert result.kind == "relative" and result.metadata == {"model": "m"}


def test_what_would_be_beyond_infinity_has_no_depth():
    metric = relative([[4, 2, 1, 0, np.nan, -5]]).to_metric((0.5, -0.5))
    np.testing.assert_allclose(metric.depth, [[1 / 1.5, 2, 0, 0, 0, 0]])
    assert metric.valid.tolist() == [[True, True, False, False, False, False]]
    assert metric.describe()["alignment"] == "1/depth = 0.5 * disparity + -0.5"


def test_metres_just_before_infinity_can_be_left_out():
    result = relative([[4, 2, 1.001, 1]], focal_length=9.0, metres_follow_focal=True)
    assert result.to_metric((0.5, -0.5)).depth[0, 2] > 1999
    metric = result.to_metric((0.5, -0.5), max_depth=2)
    np.testing.assert_allclose(metric.depth, [[1 / 1.5, 2, 0, 0]])
    assert not metric.metres_follow_focal  # they are those of the known distances
    for wrong in (0, -1, np.nan):
        with pytest.raises(InputError, match="^max_depth=.*: expected metres, more than 0"):
            result.to_metric((0.5, -0.5), max_depth=wrong)


def test_it_prints_as_one_line():
    plain = relative(np.zeros((480, 640)))
    assert repr(plain) == "DepthResult(relative, 640x480 px)"
    known = relative(np.zeros((480, 640)), focal_length=518.8579, focal_source="exif", metadata=METADATA)
    assert str(known) == "DepthResult(relative, 640x480 px, focal_length=518.9 px (exif), model=some-model)"


@pytest.mark.parametrize(("focal_length", "degrees"), [(320, 90), (320 * 3**0.5, 60), (None, None)])
@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (6, 640)])
def test_the_field_of_view_is_that_of_the_longer_side(shape, focal_length, degrees):
    found = relative(np.zeros(shape), focal_length=focal_length).field_of_view
    assert found == (None if degrees is None else pytest.approx(degrees))


def test_a_metric_result_can_be_aligned_too():
    depth = np.array([[1.0, 2, 4, 0]], np.float32)
    result = DepthResult(depth, np.zeros((1, 4, 3), np.uint8), depth_range=(0, 5))
    alignment = result.align(2 * depth)
    assert alignment == pytest.approx((0.5, 0), abs=1e-7)
    np.testing.assert_allclose(result.to_metric(alignment).depth, 2 * depth)


@pytest.mark.parametrize("alignment", [(0, 1), (-1, 1), (np.nan, 0), (1, np.inf)])
def test_an_impossible_alignment_is_refused(alignment):
    with pytest.raises(InputError, match="alignment: scale .*expected finite numbers, scale above 0"):
        relative([[1, 2]]).to_metric(alignment)
