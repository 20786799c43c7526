"""PNGs written in blocks are what Pillow reads, whatever the size of the blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from depthkit.utils import png_file
from depthkit.utils.io import read_image
from depthkit.utils.png_file import row_blocks, write_png

SIDES = st.integers(1, 12)


@settings(max_examples=60)
@given(
    st.tuples(SIDES, SIDES).flatmap(
        lambda shape: st.one_of(arrays(np.uint16, shape), arrays(np.uint8, (*shape, 3)), arrays(np.uint16, shape[::-1]))
    ),
    st.integers(1, 200),
    st.dictionaries(st.text("abcX ", min_size=1, max_size=20).map(str.strip).filter(bool), st.text(max_size=30)),
)
def test_every_value_and_text_comes_back(tmp_path_factory, image, block, text):
    path = tmp_path_factory.mktemp("png") / "a.png"
    text = {key: value.replace("\0", "") for key, value in text.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(png_file, "_BLOCK", block)
        write_png(path, image.shape, (image[rows] for rows in row_blocks(image.shape)), text)
    with Image.open(path) as opened:
        opened.verify()  # the checksums of the chunks
    found, texts = read_image(path)
    np.testing.assert_array_equal(found, image)
    assert {key: texts[key] for key in text} == text


def test_a_smooth_map_is_compressed_about_as_well_as_by_pillow(tmp_path):
    rows, columns = np.mgrid[:300, :400]
    image = (1000 + 3 * rows + 2 * columns + 20 * np.sin(rows / 9)).astype(np.uint16)
    write_png(tmp_path / "a.png", image.shape, [image], {})
    Image.fromarray(image).save(tmp_path / "b.png", compress_level=3)
    assert (tmp_path / "a.png").stat().st_size < 1.1 * (tmp_path / "b.png").stat().st_size
