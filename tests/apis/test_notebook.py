"""How a result shows itself in a notebook."""

import io

import numpy as np
import pytest
from PIL import Image

from depthkit.apis.result import DepthResult


@pytest.mark.parametrize("kind", ["metric", "relative"])
@pytest.mark.parametrize("size", [(90, 120), (2000, 3001), (1, 1), (2, 5000)])
def test_a_notebook_shows_the_colours_at_a_moderate_size(kind, size):
    values = np.linspace(1, 4, size[0] * size[1], dtype=np.float32).reshape(size)
    result = DepthResult(values, np.zeros((*size, 3), np.uint8), kind)
    with Image.open(io.BytesIO(result._repr_png_())) as image:
        assert image.format == "PNG" and max(image.size) < 1300
    if size == (90, 120):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(result._repr_png_()))), result.colored())


def test_a_result_without_any_depth_is_shown_too():
    result = DepthResult(np.zeros((60, 80), np.float32), np.zeros((60, 80, 3), np.uint8))
    assert result._repr_png_().startswith(b"\x89PNG")
