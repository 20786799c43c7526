"""Disparities in 16 bits come back to half a step, whatever their range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from depthkit.errors import InputError
from depthkit.utils.disparity_png import read_disparity_png, write_disparity_png
from depthkit.utils.io import write_depth_png

finite = st.one_of(st.floats(-1e6, 1e6, width=32), st.just(float("nan")), st.just(float("inf")))


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=finite))
def test_disparities_come_back(tmp_path_factory, disparity):
    path = tmp_path_factory.mktemp("disparity") / "d.png"
    write_disparity_png(path, disparity, {"model": "m", "kind": "relative"})
    read, text = read_disparity_png(path)
    valid = np.isfinite(disparity)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(read), valid)
    spread = np.ptp(disparity[valid].astype(np.float64)) if valid.any() else 0
    np.testing.assert_allclose(read[valid], disparity[valid], rtol=1e-6, atol=spread / 65534 / 2 * 1.001)
    assert (text["model"], text["kind"], text["unit"]) == ("m", "relative", "none")


def test_the_whole_range_of_16_bits_is_used_and_the_formula_stands_in_the_file(tmp_path):
    write_disparity_png(tmp_path / "d.png", np.array([[0.5, 2.5, 4.5, np.nan]]), {})
    image = Image.open(tmp_path / "d.png")
    assert np.asarray(image).tolist() == [[1, 32768, 65535, 0]]
    assert (image.text["min"], image.text["max"]) == ("0.5", "4.5")
    assert image.text["encoding"] == "disparity = min + (stored - 1) / 65534 * (max - min); 0 = no value"


def test_what_is_no_disparity_png_is_refused(tmp_path):
    write_depth_png(tmp_path / "depth.png", np.ones((2, 2)))
    Image.new("RGB", (2, 2)).save(tmp_path / "rgb.png")
    write_disparity_png(tmp_path / "d.png", np.ones((2, 2)), {})
    with Image.open(tmp_path / "d.png") as image:
        image.save(tmp_path / "stripped.png")
    for name in ("depth.png", "rgb.png", "stripped.png"):
        with pytest.raises(InputError, match=rf"{name}: is not a 16-bit PNG of disparities with its range"):
            read_disparity_png(tmp_path / name)
    with pytest.raises(InputError, match="missing.png: no such file"):
        read_disparity_png(tmp_path / "missing.png")
