import os

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from depthkit.errors import InputError
from depthkit.utils.io import (
    read_depth,
    read_image,
    read_rgb,
    write_depth_png,
    write_point_cloud_ply,
    write_rgb,
)

RED, WHITE = (255, 0, 0), (255, 255, 255)


def save(path, array, mode=None, **options):
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def gradient(height=6, width=9):
    return np.linspace(0, 255, height * width * 3).reshape(height, width, 3).round().astype(np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_rgb_comes_back_as_it_was(tmp_path, suffix):
    write_rgb(tmp_path / f"a{suffix}", gradient())
    np.testing.assert_array_equal(read_rgb(tmp_path / f"a{suffix}"), gradient())


@pytest.mark.parametrize(("mode", "suffix"), [("L", ".png"), ("1", ".png"), ("LA", ".png"), ("L", ".jpg")])
def test_grey_pictures_have_three_equal_channels(tmp_path, mode, suffix):
    image = read_rgb(save(tmp_path / f"a{suffix}", gradient(), mode))
    assert image.shape == (6, 9, 3)
    assert image.dtype == np.uint8
    assert (image == image[..., :1]).all()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bit_grey_keeps_its_range(tmp_path, suffix):
    stored = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    image = read_rgb(save(tmp_path / f"a{suffix}", stored))
    assert image[0, :, 0].tolist() == [0, 1, 128, 255]


def test_cmyk_and_palette(tmp_path):
    red = np.full((4, 4, 3), RED, np.uint8)
    assert np.abs(read_rgb(save(tmp_path / "a.tif", red, "CMYK")).astype(int) - RED).max() == 0
    np.testing.assert_array_equal(read_rgb(save(tmp_path / "a.png", red, "P")), red)


def test_transparent_parts_show_white(tmp_path):
    image = np.zeros((2, 2, 4), np.uint8)
    image[0] = (*RED, 255)
    shown = read_rgb(save(tmp_path / "a.png", image))
    assert (shown[0] == RED).all()
    assert (shown[1] == WHITE).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_exif_orientation_is_applied(tmp_path, suffix):
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, :16] = 255  # the left half is white; turned by 90 degrees clockwise it is the upper half
    exif = Image.Exif()
    exif[274] = 6
    turned = read_rgb(save(tmp_path / f"a{suffix}", image, exif=exif))
    assert turned.shape == (32, 16, 3)
    assert turned[:15].min() > 200
    assert turned[17:].max() < 50


@pytest.mark.parametrize("content", [b"", b"not a picture at all", None, "truncated", "folder"])
def test_unreadable_pictures_are_named(tmp_path, content):
    path = tmp_path / "photo.jpg"
    if content == "truncated":
        save(path, np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8))
        path.write_bytes(path.read_bytes()[:700])
    elif content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"photo\.jpg"):
        read_rgb(path)


def test_float_pictures_have_no_known_range(tmp_path):
    with pytest.raises(InputError, match="range is unknown"):
        read_rgb(save(tmp_path / "a.tif", np.ones((3, 3), np.float32)))


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint16, (4, 7)))
def test_depth_png_round_trip_is_exact_in_millimetres(tmp_path_factory, millimetres):
    path = tmp_path_factory.mktemp("depth") / "d.png"
    assert write_depth_png(path, millimetres.astype(np.float32) / 1000) == 0
    np.testing.assert_array_equal(np.array(Image.open(path)), millimetres)
    depth = read_depth(path)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, millimetres / 1000, rtol=1e-6)


def test_depth_png_saturates_and_counts(tmp_path):
    depth = np.array([[65.535, 66.0, np.inf, np.nan, -1.0, 0.0]])
    assert write_depth_png(tmp_path / "d.png", depth) == 2
    assert np.array(Image.open(tmp_path / "d.png")).tolist() == [[65535, 65535, 65535, 0, 0, 0]]


def test_depth_scale_is_units_per_metre(tmp_path):
    path = save(tmp_path / "d.png", np.array([[5000, 2500]], np.uint16))
    assert read_depth(path, scale=5000).tolist() == [[1.0, 0.5]]
    np.save(tmp_path / "d.npy", np.array([[2000.0]]))
    assert read_depth(tmp_path / "d.npy", scale=1000).tolist() == [[2.0]]
    with pytest.raises(InputError, match="depth scale 0"):
        read_depth(path, scale=0)


def test_npy_and_h5_hold_metres(tmp_path):
    depth = np.array([[0.0, 1.25], [3.5, 100.0]], np.float32)
    np.save(tmp_path / "d.npy", depth)
    np.testing.assert_array_equal(read_depth(tmp_path / "d.npy"), depth)
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["depth"] = depth
    np.testing.assert_array_equal(read_depth(tmp_path / "d.h5"), depth)


@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 3)])
def test_depth_must_have_sixteen_bits(tmp_path, shape):
    with pytest.raises(InputError, match=r"d\.png.*8-bit or colour"):
        read_depth(save(tmp_path / "d.png", np.ones(shape, np.uint8)))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[1.0, np.nan]]), "1 depth values are NaN"),
        (np.array([[1.0, np.inf]]), "NaN or infinite"),
        (np.array([[1.0, -0.5]]), "down to -0.5"),
        (np.ones((2, 2, 3)), "shape"),
        (np.ones((0, 4)), "shape"),
        (np.array([["a"]]), "type"),
        (np.array([[None]]), "of type object; expected numbers"),
    ],
)
def test_wrong_depth_arrays_are_named(tmp_path, array, message):
    np.save(tmp_path / "d.npy", array)
    with pytest.raises(InputError, match=rf"d\.npy.*{message}"):
        read_depth(tmp_path / "d.npy")


def test_an_array_with_a_damaged_header_is_named(tmp_path):
    np.save(tmp_path / "d.npy", np.ones((3, 3)))
    content = (tmp_path / "d.npy").read_bytes()
    (tmp_path / "d.npy").write_bytes(content.replace(b"}", b"(", 1))
    with pytest.raises(InputError, match=r"d\.npy: is damaged .*; expected a depth array"):
        read_depth(tmp_path / "d.npy")


@pytest.mark.parametrize("name", ["d.png", "d.npy", "d.h5", "d.tif"])
@pytest.mark.parametrize("content", [None, b"", b"text"])
def test_unreadable_depth_is_named(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_depth(tmp_path / name)
    with pytest.raises(InputError, match=r"'\.exr' is not a known depth format"):
        read_depth(tmp_path / "d.exr")


def test_point_cloud_is_read_back_by_hand(tmp_path):
    points = np.array([[0.0, -1.5, 2.0], [1e-3, 4.0, 8.0]], np.float32)
    colors = np.array([[1, 2, 3], [250, 251, 252]], np.uint8)
    write_point_cloud_ply(tmp_path / "p.ply", points, colors)
    header, _, body = (tmp_path / "p.ply").read_bytes().partition(b"end_header\n")
    assert b"element vertex 2\n" in header
    vertices = np.frombuffer(body, np.uint8).reshape(2, 15)
    np.testing.assert_array_equal(vertices[:, :12].copy().view("<f4"), points)
    np.testing.assert_array_equal(vertices[:, 12:], colors)


def test_point_cloud_needs_a_colour_for_each_point(tmp_path):
    with pytest.raises(InputError, match="colours"):
        write_point_cloud_ply(tmp_path / "p.ply", np.zeros((2, 3)), np.zeros((3, 3)))


def test_writing_into_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_depth_png(tmp_path / "nowhere" / "d", np.ones((2, 2)))


def test_texts_of_a_png_come_back(tmp_path):
    text = {"model": "a-b", "licence": "nicht kommerziell, größer 0, 只读"}
    write_rgb(tmp_path / "a.png", gradient(), text)
    image, read = read_image(tmp_path / "a.png")
    assert read == text and (image == gradient()).all()
    write_depth_png(tmp_path / "d.png", np.ones((2, 2)), text)
    stored, read = read_image(tmp_path / "d.png")
    assert read == {**text, "unit": "mm"} and (stored == 1000).all()
    assert read_depth(tmp_path / "d.png").tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("description", ["taken by me", "[1]", "3", '{"unit": 1}', None])
def test_a_float_tiff_of_others_is_in_millimetres(tmp_path, description):
    tags = {} if description is None else {270: description}
    Image.fromarray(np.full((2, 2), 1500, np.float32)).save(tmp_path / "d.tif", tiffinfo=tags)
    assert read_depth(tmp_path / "d.tif").tolist() == [[1.5, 1.5], [1.5, 1.5]]
    assert read_image(tmp_path / "d.tif")[1] == {}


def test_texts_are_comments_of_a_point_cloud(tmp_path):
    write_point_cloud_ply(tmp_path / "p.ply", np.zeros((1, 3)), np.zeros((1, 3)), {"unit": "m", "note": "a\nb ü"})
    header = (tmp_path / "p.ply").read_bytes().partition(b"end_header\n")[0]
    assert header.startswith(b"ply\nformat binary_little_endian 1.0\ncomment unit: m\ncomment note: a b ?\nelement")


def test_no_space_left(tmp_path, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("depthkit.utils.png_file._write_chunk", full)
    with pytest.raises(InputError, match=r"d\.png: cannot be written \(No space left on device\)"):
        write_depth_png(tmp_path / "d.png", np.ones((2, 2)))
    assert not os.listdir(tmp_path)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_npy_is_a_map_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("npy") / "d.npy"
    np.save(path, np.ones((6, 5), data.draw(st.sampled_from(["f4", "f8", "u2", "i4", ">f4"]))))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, 140)) % len(content)
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        assert read_depth(path).dtype == np.float32
    except InputError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("shape", ["(100000, 1000000)", "(2147483647, 1)", "(-1, 64)", "(3,)", "(10**9, 10**9)"])
def test_an_npy_header_that_lies_takes_no_memory(tmp_path, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(99)
    (tmp_path / "d.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"d\.npy: "):
        read_depth(tmp_path / "d.npy")


def test_an_archive_of_arrays_is_not_an_array(tmp_path):
    np.savez(tmp_path / "d.npz", np.ones((3, 3)))
    (tmp_path / "d.npz").rename(tmp_path / "d.npy")
    with pytest.raises(InputError, match=r"d\.npy: is an archive of arrays \(\.npz\); expected one array"):
        read_depth(tmp_path / "d.npy")


@pytest.mark.parametrize("scale", [1e-45, 1e-60])
def test_a_scale_that_makes_depth_infinite(tmp_path, scale):
    np.save(tmp_path / "d.npy", np.full((3, 3), 2.0))
    with pytest.raises(InputError, match=r"d\.npy: depth_scale=1e-\d+ gives depth that is not finite"):
        read_depth(tmp_path / "d.npy", scale)
