"""Images in strips are the images that Pillow gives as a whole, and headers cannot take memory."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from depthkit.errors import InputError
from depthkit.utils import image_decoding
from depthkit.utils.image_decoding import choose_reduction, decode_rgb, open_image
from depthkit.utils.io import read_depth, read_rgb

MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"]


def png_header(width, height, bits, color):
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@settings(max_examples=60)
@given(st.sampled_from(MODES), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.data())
def test_strips_make_the_whole(mode, orientation, width, height, strip, data):
    pixels = data.draw(st.binary(min_size=3 * width * height, max_size=3 * width * height))
    image = Image.frombytes("RGB", (width, height), pixels).convert(mode)
    if data.draw(st.booleans()) and mode in ("1", "L", "P"):
        image.info["transparency"] = 0
    image.getexif()[274] = orientation
    whole = ImageOps.exif_transpose(image)
    if whole.has_transparency_data:
        whole = whole.convert("RGBA")
        whole = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_decoding, "_STRIP", strip)
        found = decode_rgb(image, "a.png")
    np.testing.assert_array_equal(found, np.array(whole.convert("RGB")))
    assert found.flags.c_contiguous and found.flags.writeable


@pytest.mark.parametrize("sides", [(60_000, 60_000), (2**31 - 1, 1), (20_001, 10_000)])
def test_a_header_that_declares_too_much_is_refused(tmp_path, sides):
    (tmp_path / "a.png").write_bytes(png_header(*sides, 1, 0))
    for read in (read_rgb, read_depth):
        with pytest.raises(InputError, match=r"a\.png: has .* megapixels .*; depthkit reads 190 at most"):
            read(tmp_path / "a.png")


def test_pillows_limit_is_not_ours_and_stays_as_it_was(tmp_path, recwarn):
    (tmp_path / "a.png").write_bytes(png_header(14_000, 13_350, 1, 0))  # 187 megapixels
    before = Image.MAX_IMAGE_PIXELS
    with open_image(tmp_path / "a.png") as image:
        assert image.size == (14_000, 13_350)
    assert before == Image.MAX_IMAGE_PIXELS
    assert not recwarn.list


def test_formats_that_are_programs_are_not_opened(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(InputError, match=r"a\.png: is not an image of a known format"):
        read_rgb(tmp_path / "a.png")


def test_an_image_without_pixels():
    with pytest.raises(InputError, match="^image: has 0 x 5 pixels"):
        decode_rgb(Image.new("RGB", (0, 5)), "image")


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 10_000))
def test_the_reduction_is_the_smallest_that_is_enough(width, height, most):
    def pixels(factor):
        return -(-width // factor) * -(-height // factor)

    factor = choose_reduction((width, height), most)
    assert pixels(factor) <= most
    assert factor == 1 or pixels(factor - 1) > most


@settings(max_examples=60)
@given(
    st.sampled_from(MODES), st.sampled_from([1, 6]), st.integers(1, 9), st.integers(1, 9), st.integers(2, 4),
    st.integers(1, 20), st.data(),
)  # fmt: skip
def test_a_reduced_pixel_is_the_mean_of_a_square(mode, orientation, width, height, factor, strip, data):
    pixels = data.draw(st.binary(min_size=3 * width * height, max_size=3 * width * height))
    image = Image.frombytes("RGB", (width, height), pixels).convert(mode)
    whole = decode_rgb(image, "a.png").astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_decoding, "_STRIP", strip)
        image.getexif()[274] = orientation
        found = decode_rgb(image, "a.png", reduction=factor)
    if orientation == 6:
        found = np.rot90(found)
    assert found.shape == (-(-height // factor), -(-width // factor), 3)
    for row, column in np.ndindex(found.shape[:2]):
        square = whole[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        assert np.abs(found[row, column] - square.mean(axis=(0, 1))).max() <= 1


@pytest.mark.parametrize("factor", [2, 3, 6, 8, 16])
@pytest.mark.parametrize("sides", [(64, 48), (101, 67), (400, 3)])
def test_a_jpeg_and_a_png_are_reduced_to_the_same_size(tmp_path, factor, sides):
    rows, columns = np.mgrid[: sides[1], : sides[0]]
    image = Image.fromarray(np.stack([rows, columns, rows + columns], -1).astype(np.uint8) // 2)
    found = []
    for name in ("a.jpg", "a.png"):
        image.save(tmp_path / name)
        with open_image(tmp_path / name) as opened:
            found.append(decode_rgb(opened, name, reduction=factor).astype(int))
    assert found[0].shape == found[1].shape == (-(-sides[1] // factor), -(-sides[0] // factor), 3)
    assert np.abs(found[0] - found[1]).mean() < 4


def test_more_pixels_are_read_of_an_image_that_is_reduced(tmp_path):
    (tmp_path / "a.png").write_bytes(png_header(20_000, 19_999, 1, 0))
    with open_image(tmp_path / "a.png", reduced=True) as image:
        assert image.size == (20_000, 19_999)
    (tmp_path / "a.png").write_bytes(png_header(20_001, 20_000, 1, 0))
    with (
        pytest.raises(InputError, match=r"has 400 megapixels .*; depthkit reads 400 at most"),
        open_image(tmp_path / "a.png", reduced=True),
    ):
        pass
