"""Sizes and pixels as the authors of published models make them, against worked examples and plain code."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depthkit.datasets.sample import make_sample
from depthkit.datasets.transforms import PackDepthInputs, ResizeToMultiple
from depthkit.datasets.transforms.resize_to_multiple import MAX_PIXELS
from depthkit.errors import InputError
from depthkit.utils.camera import pinhole

AUTHORS = {"size": 518, "multiple": 14, "rule": "lower_bound", "resampling": "cubic"}
TRANSFORMERS = {"size": 518, "multiple": 14, "rule": "minimal", "resampling": "antialiased"}
MIDAS = {"size": 384, "multiple": 32, "rule": "minimal", "resampling": "cubic"}
DA3 = {"size": 504, "multiple": 14, "rule": "longest_side", "resampling": "area"}


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.NEAREST))


def resized(settings: dict, height: int, width: int) -> np.ndarray:
    return ResizeToMultiple(**settings)(make_sample(image(height, width), "x.png"))["img"]


@pytest.mark.parametrize(
    ("settings", "given_size", "expected"),
    [
        # 300/14 of 518: the scale is 518/300, so 600 becomes 1036 = 74 * 14.
        (AUTHORS, (300, 600), (518, 1036)),
        # The side that changes less is the width: 518/600; 259 / 14 = 18.5, and half is rounded to even.
        (TRANSFORMERS, (300, 600), (252, 518)),
        (AUTHORS, (480, 640), (518, 686)),
        (TRANSFORMERS, (480, 640), (518, 686)),
        (AUTHORS, (518, 518), (518, 518)),
        (AUTHORS, (1080, 1920), (518, 924)),
        # 510 is 36.4 patches: 36 would be less than the bound, so 37.
        (AUTHORS | {"size": 510}, (510, 510), (518, 518)),
        # 1000 is 71.4 patches, which is far above the bound.
        (AUTHORS | {"size": 500}, (500, 1000), (504, 994)),
        (AUTHORS | {"size": 1}, (480, 640), (14, 14)),
        (MIDAS, (480, 640), (384, 512)),
        # 384/300 is nearer to 1 than 384/600.
        (MIDAS, (300, 600), (384, 768)),
        (MIDAS | {"rule": "stretch"}, (480, 640), (384, 384)),
        (DA3, (480, 640), (378, 504)),
        (DA3, (300, 600), (252, 504)),
        # 504 * 375/1242 = 152.2, then 11 patches are nearer than 10.
        (DA3, (375, 1242), (154, 504)),
        # 504 * 5 / 12 = 210 exactly; 504 * 217 / 504 = 217 = 15.5 patches, and half goes up.
        (DA3, (217, 504), (224, 504)),
        # Sides that would vanish.
        (TRANSFORMERS, (4, 2000), (14, 518)),
        (DA3, (1, 504), (14, 504)),
    ],
)
def test_worked_sizes(settings, given_size, expected):
    assert resized(settings, *given_size).shape[:2] == expected


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from(["minimal", "longest_side", "lower_bound"]))
def test_both_sides_are_multiples_and_the_rule_holds(height, width, rule):
    sample = {"img": np.zeros((height, width, 3), np.uint8), "img_path": "x", "img_shape": (height, width)}
    transform = ResizeToMultiple(56, 14, rule, "antialiased")
    try:
        new_height, new_width = transform(sample)["img_shape"]
    except InputError:
        assert rule == "lower_bound" and max(height, width) / min(height, width) > 2000
        return
    assert new_height % 14 == new_width % 14 == 0 and min(new_height, new_width) > 0
    if rule == "lower_bound":
        assert min(new_height, new_width) == 56
    if rule == "longest_side":
        assert max(new_height, new_width) == 56


@pytest.mark.parametrize("size", [(480, 640), (1200, 900), (200, 300)])
def test_cubic_is_that_of_the_authors(size):
    """The lines of Depth-Anything-V2's `image2tensor` that make pixels, without ours."""
    rgb = image(*size)
    found = resized(AUTHORS, *size)
    expected = cv2.resize(rgb / 255.0, found.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(found / 255, expected, atol=1e-12)
    assert found.min() < 0 and found.max() > 255, "bicubic overshoots, and nothing is cut off"


@pytest.mark.parametrize("shape", [(700, 900), (100, 150), (504, 301), (378, 504)])
def test_area_is_that_of_the_authors_of_da3(shape):
    """Two steps on uint8: the longest side to 504, then each side to the nearest multiple."""
    expected = image(*shape)
    found = resized(DA3, *shape)
    scale = 504 / max(shape)
    for height, width in ((round(shape[0] * scale), round(shape[1] * scale)), found.shape[:2]):
        if (height, width) == expected.shape[:2]:
            continue
        grows = height > expected.shape[0] or width > expected.shape[1]
        method = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
        expected = cv2.resize(expected, (width, height), interpolation=method)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint8


@pytest.mark.parametrize("size", [(480, 640), (300, 600), (1000, 700)])
@pytest.mark.parametrize(
    ("settings", "processor"),
    [
        (TRANSFORMERS, {"size": {"height": 518, "width": 518}, "keep_aspect_ratio": True, "ensure_multiple_of": 14}),
        (MIDAS | {"rule": "stretch", "resampling": "antialiased"}, {"size": {"height": 384, "width": 384}}),
    ],
)
def test_antialiased_is_that_of_transformers(settings, processor, size):
    pytest.importorskip("transformers")
    from transformers import DPTImageProcessor, DPTImageProcessorPil

    settings_of_both = {"do_normalize": False, "do_rescale": False, "resample": 3, **processor}
    found = resized(settings, *size).transpose(2, 0, 1).astype(int)
    given_image = Image.fromarray(image(*size))
    pil = DPTImageProcessorPil(**settings_of_both)(given_image)["pixel_values"][0]
    np.testing.assert_array_equal(found, np.asarray(pil))
    tensors = DPTImageProcessor(**settings_of_both)(given_image)["pixel_values"][0]
    assert np.abs(found - np.asarray(tensors)).max() <= 2  # torchvision rounds in other places


def test_intrinsics_follow_and_the_depth_map_keeps_its_size():
    depth = np.ones((300, 600), np.float32)
    sample = make_sample(image(300, 600), "x.png", depth, pinhole(500.0, 500.0, 299.5, 149.5))
    sample = ResizeToMultiple(**TRANSFORMERS)(sample)
    np.testing.assert_allclose(sample["intrinsics"], pinhole(500 * 518 / 600, 500 * 252 / 300, 258.5, 125.5))
    assert sample["gt_depth_map"] is depth and sample["ori_shape"] == (300, 600) and sample["img_shape"] == (252, 518)


def test_values_beyond_0_and_255_reach_the_network():
    from mmseg.models import SegDataPreProcessor

    sample = PackDepthInputs()(ResizeToMultiple(**AUTHORS)(make_sample(image(480, 640), "x.png")))
    preprocessor = SegDataPreProcessor(mean=[120.0] * 3, std=[60.0] * 3, size_divisor=1, bgr_to_rgb=False)
    inputs = preprocessor({"inputs": [sample["inputs"]], "data_samples": [sample["data_samples"]]})["inputs"]
    expected = (resized(AUTHORS, 480, 640).transpose(2, 0, 1) - 120) / 60
    assert inputs.dtype == torch.float32 and inputs.shape == (1, 3, 518, 686)
    np.testing.assert_allclose(inputs[0].numpy(), expected, atol=1e-5)


def test_a_large_input_is_told_once(capsys):
    transform = ResizeToMultiple(**AUTHORS)
    transform(make_sample(image(518, 2200), "small.png"))
    assert capsys.readouterr().err == ""
    for _ in range(2):
        transform(make_sample(image(60, 1000), "flat.png"))
    assert capsys.readouterr().err == (
        "warning: flat.png: network input 8638x518 px: slow; --input-size 252 (in Python: input_size) is faster\n"
    )
    faster = ResizeToMultiple(**AUTHORS | {"size": 252})
    faster(make_sample(image(60, 1000), "flat.png"))
    assert capsys.readouterr().err == ""


def test_absurd_sizes_are_one_sentence():
    with pytest.raises(InputError) as caught:
        resized(AUTHORS, 9, 700)
    assert str(caught.value) == (
        "x.png: 700x9 px would become 40292x518 px for the network, more than 8.4 million pixels; crop the image or "
        "give a smaller input size than 518"
    )
    assert MAX_PIXELS == 2**23
    for wrong in ({"size": 0}, {"multiple": 0}, {"rule": "nearest"}, {"resampling": "linear"}):
        with pytest.raises(InputError, match=f"ResizeToMultiple: {next(iter(wrong))}="):
            ResizeToMultiple(**AUTHORS | wrong)
