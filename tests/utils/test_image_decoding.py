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
from depthkit.utils.image_decoding import decode_rgb, open_image
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
