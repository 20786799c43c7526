"""Which values and which axes of an array or a tensor are meant."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depthkit.errors import InputError
from depthkit.utils import image_arrays
from depthkit.utils.image_arrays import array_to_rgb, tensor_to_rgb
from depthkit.utils.image_decoding import decode_rgb


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_rgb_is_handed_on_and_not_copied():
    rgb = pixels(5, 7, 3)
    assert array_to_rgb(rgb, "image") is rgb


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_every_shape_is_what_pillow_makes_of_it(shape):
    array = pixels(*shape)
    pillow = Image.fromarray(array.reshape(5, 7) if shape == (5, 7, 1) else array)
    found = array_to_rgb(array, "image")
    assert found.dtype == np.uint8 and found.shape == (5, 7, 3) and found.flags.c_contiguous
    assert np.abs(found.astype(int) - decode_rgb(pillow, "image")).max() <= 1  # Pillow's alpha is rounded otherwise


@given(st.sampled_from([(5, 6), (5, 6, 1), (5, 6, 3), (5, 6, 4)]), st.integers(0, 9))
def test_all_types_are_the_same_image(shape, seed):
    array = pixels(*shape, seed=seed)
    expected = array_to_rgb(array, "image")
    others = [array.astype(np.uint16) * 257, array.astype(">u2") * 257]
    others += [(array / 255).astype(dtype) for dtype in (np.float16, np.float32, np.float64)]
    for other in others:
        np.testing.assert_array_equal(array_to_rgb(other, "image"), expected)
    for dtype in (torch.float32, torch.float16):
        tensor = torch.from_numpy(array).to(dtype) / 255
        np.testing.assert_array_equal(tensor_to_rgb(tensor, "image"), expected)


def test_transparent_is_white():
    array = np.zeros((1, 3, 4), np.uint8)
    array[0, :, 3] = 0, 128, 255
    assert array_to_rgb(array, "image")[0, :, 0].tolist() == [255, 127, 0]
    assert array_to_rgb(array / 255, "image")[0, :, 0].tolist() == [255, 127, 0]


def test_a_large_array_is_converted_in_blocks(monkeypatch):
    array = pixels(40, 30, 4)
    expected = array_to_rgb(array, "image")
    monkeypatch.setattr(image_arrays, "row_blocks", lambda shape: (slice(i, i + 7) for i in range(0, shape[0], 7)))
    np.testing.assert_array_equal(array_to_rgb(array, "image"), expected)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_channels_of_a_tensor_come_first_where_they_can(channels):
    array = pixels(5, 7, channels)
    expected = array_to_rgb(array, "image")
    last = torch.from_numpy(array)
    np.testing.assert_array_equal(tensor_to_rgb(last, "image"), expected)
    np.testing.assert_array_equal(tensor_to_rgb(last.permute(2, 0, 1), "image"), expected)
    both = torch.from_numpy(pixels(3, 5, 4))
    np.testing.assert_array_equal(tensor_to_rgb(both, "image"), both.permute(1, 2, 0).numpy())


def test_a_tensor_may_need_gradients_and_be_a_view():
    tensor = torch.rand(3, 4, 5, requires_grad=True).flip(-1)
    assert tensor_to_rgb(tensor, "image").shape == (4, 5, 3)
    assert tensor_to_rgb(torch.rand(4, 5).bfloat16(), "image").shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 4, 4, 3), np.uint8), r"expected \(H, W\), .*or a list of such images: list\(batch\)"),
        (np.zeros((3, 8, 8), np.uint8), r"has shape \(3, 8, 8\).*transpose\(1, 2, 0\)"),
        (np.zeros((8, 8, 2), np.uint8), r"has shape \(8, 8, 2\)"),
        (np.zeros(8, np.uint8), r"has shape \(8,\)"),
        (np.zeros((0, 8, 3), np.uint8), "one pixel at least"),
        (np.full((2, 2), 1.001), "go from 1.001 to 1.001; expected 0 to 1"),
        (np.full((2, 2, 3), 255.0), "go from 255 to 255; expected 0 to 1"),
        (np.full((2, 2), -0.1), "expected 0 to 1"),
        (np.array([[0.5, np.nan]]), "NaN"),
        (np.array([[0.5, np.inf]]), "expected 0 to 1"),
        (np.zeros((2, 2), np.int64), "is of type int64; expected uint8"),
        (np.zeros((2, 2), bool), "is of type bool"),
        (np.zeros((2, 2), complex), "is of type complex128"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000)), "400 megapixels"),
        (np.ma.masked_array(np.zeros((2, 2), np.uint8), True), "is a masked array"),
    ],
)
def test_what_is_refused_and_why(array, message):
    with pytest.raises(InputError, match=f"^image 3: .*{message}") as caught:
        array_to_rgb(array, "image 3")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("tensor", [torch.zeros(3, 9, 9).to_sparse(), torch.zeros(3, 9, 9, device="meta")])
def test_a_tensor_without_its_values_is_refused(tensor):
    with pytest.raises(InputError, match="image: is a sparse, quantised or meta tensor"):
        tensor_to_rgb(tensor, "image")
