"""Transforms, checked with images whose pixels say where they come from."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.datasets.sample import make_sample
from depthkit.datasets.transforms import (
    ColorJitter,
    PackDepthInputs,
    RandomCropRGBD,
    RandomFlipRGBD,
    RandomZoom,
    ResizeRGBD,
)
from depthkit.errors import InputError
from depthkit.utils.camera import pinhole

FOCAL_X, FOCAL_Y, CENTER_X, CENTER_Y = 150.0, 140.0, 61.0, 37.0
SIZES = st.tuples(st.integers(20, 110), st.integers(20, 110))


def ramp_sample(height=80, width=120):
    """Red is the pixel's column and green its row; depth [m] is a number for each pixel, and 0 for some."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([columns, rows, np.full_like(rows, 7)], axis=-1).astype(np.uint8)
    depth = (1 + rows * width + columns).astype(np.float32) * ((rows + columns) % 5 > 0)
    return make_sample(image, "ramp", depth, pinhole(FOCAL_X, FOCAL_Y, CENTER_X, CENTER_Y))


def rays(results, inside=slice(None)):
    """For each pixel, the ray by the sample's intrinsics, and the ray that its colour says it was."""
    camera = results["intrinsics"]
    rows, columns = np.mgrid[: results["img"].shape[0], : results["img"].shape[1]]
    seen = np.stack([(columns - camera[0, 2]) / camera[0, 0], (rows - camera[1, 2]) / camera[1, 1]])
    image = results["img"].astype(float)
    was = np.stack([(image[..., 0] - CENTER_X) / FOCAL_X, (image[..., 1] - CENTER_Y) / FOCAL_Y])
    return seen[:, inside], was[:, inside]


def interior(results):
    """Pixels away from the edges, where interpolation has all it needs."""
    mask = np.zeros(results["img"].shape[:2], bool)
    mask[3:-3, 3:-3] = True
    return mask


@settings(max_examples=40, deadline=None)
@given(size=SIZES, mode=st.sampled_from(["fit", "cover", "stretch"]))
def test_resize(size, mode):
    before = ramp_sample()
    results = ResizeRGBD(size, mode).transform(ramp_sample())
    height, width = results["img_shape"]
    assert results["img"].shape[:2] == results["gt_depth_map"].shape == (height, width)
    assert results["ori_shape"] == (80, 120)
    if mode == "fit":
        assert height <= size[0] and width <= size[1] and (height == size[0] or width == size[1])
    elif mode == "cover":
        assert height >= size[0] and width >= size[1] and (height == size[0] or width == size[1])
    else:
        assert (height, width) == size
    if mode != "stretch":
        assert abs(height / 80 - width / 120) * 80 <= 1.5
    assert set(np.unique(results["gt_depth_map"])) <= set(np.unique(before["gt_depth_map"]))
    seen, was = rays(results, interior(results))
    np.testing.assert_allclose(seen, was, atol=0.8 / FOCAL_Y)


def test_resize_can_leave_the_depth_alone():
    results = ResizeRGBD((40, 60), resize_depth=False).transform(ramp_sample())
    assert results["img"].shape == (40, 60, 3)
    np.testing.assert_array_equal(results["gt_depth_map"], ramp_sample()["gt_depth_map"])
    with pytest.raises(InputError, match="in one size"):
        RandomFlipRGBD(1.0).transform(results)


def test_halving_takes_depth_from_the_pixels_own_place():
    depth = np.arange(1, 17, dtype=np.float32).reshape(4, 4)
    sample = make_sample(np.zeros((4, 4, 3), np.uint8), "a", depth)
    halved = ResizeRGBD((2, 2)).transform(sample)["gt_depth_map"]
    assert [value in block for value, block in zip(halved.ravel(), quarters(depth), strict=True)] == [True] * 4


def quarters(depth):
    return [depth[:2, :2], depth[:2, 2:], depth[2:, :2], depth[2:, 2:]]


@settings(max_examples=25, deadline=None)
@given(size=st.tuples(st.integers(1, 80), st.integers(1, 120)), seed=st.integers(0, 1000))
def test_crop(size, seed):
    np.random.seed(seed)
    results = RandomCropRGBD(size).transform(ramp_sample())
    assert results["img_shape"] == results["gt_depth_map"].shape == results["img"].shape[:2] == size
    seen, was = rays(results)
    np.testing.assert_allclose(seen, was, atol=1e-9)
    left, top = results["img"][0, 0, :2]
    np.testing.assert_array_equal(
        results["gt_depth_map"], ramp_sample()["gt_depth_map"][top : top + size[0], left : left + size[1]]
    )


def test_crop_does_not_invent_pixels():
    with pytest.raises(InputError, match=r"ramp: 120x80 is smaller than RandomCrop"):
        RandomCropRGBD((81, 100)).transform(ramp_sample())


def test_flip_mirrors_everything():
    results = RandomFlipRGBD(1.0).transform(ramp_sample())
    assert results["flip"] is True
    assert results["flip_direction"] == "horizontal"
    np.testing.assert_array_equal(results["gt_depth_map"], ramp_sample()["gt_depth_map"][:, ::-1])
    seen, was = rays(results)
    np.testing.assert_allclose(seen[0], -was[0], atol=1e-9)
    np.testing.assert_allclose(seen[1], was[1], atol=1e-9)


def test_flip_can_stay_out():
    results = RandomFlipRGBD(0.0).transform(ramp_sample())
    assert (results["flip"], results["flip_direction"]) == (False, None)
    np.testing.assert_array_equal(results["img"], ramp_sample()["img"])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.floats(1.0, 3.0))
def test_zoom_is_the_same_camera_nearer_to_the_scene(seed, factor):
    np.random.seed(seed)
    sample = ramp_sample()
    sample["gt_depth_map"] = np.where(sample["gt_depth_map"] > 0, np.float32(6), np.float32(0))
    results = RandomZoom((factor, factor), prob=1.0).transform(sample)
    assert results["img_shape"] == results["img"].shape[:2] == results["gt_depth_map"].shape == (80, 120)
    values = np.unique(results["gt_depth_map"])
    assert values[values > 0] == pytest.approx(6 / factor, rel=0.03)
    np.testing.assert_array_equal(np.diag(results["intrinsics"]), [FOCAL_X, FOCAL_Y, 1.0])
    # Every pixel's point keeps its place beside the optical axis: ray times depth is what it was.
    seen, was = rays(results, interior(results))
    np.testing.assert_allclose(seen * values[-1], was * 6, atol=0.02 * np.abs(was * 6).max() + 6.6 / FOCAL_Y)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_color_jitter_changes_colours_only(seed):
    np.random.seed(seed)
    before = ramp_sample()
    results = ColorJitter(0.4, 0.4, 0.4, 0.1, prob=1.0).transform(ramp_sample())
    assert results["img"].dtype == np.uint8
    assert results["img"].shape == before["img"].shape
    np.testing.assert_array_equal(results["gt_depth_map"], before["gt_depth_map"])
    np.testing.assert_array_equal(results["intrinsics"], before["intrinsics"])


def test_color_jitter_of_nothing_is_nothing_and_brightness_is_a_factor():
    same = ColorJitter(0, 0, 0, 0, prob=1.0).transform(ramp_sample())
    np.testing.assert_array_equal(same["img"], ramp_sample()["img"])
    np.random.seed(3)
    grey = make_sample(np.full((4, 4, 3), 100, np.uint8), "grey")
    brighter = ColorJitter(0.5, 0, 0, 0, prob=1.0).transform(grey)["img"]
    np.random.seed(3)
    np.random.rand()
    assert brighter[0, 0, 0] == round(100 * np.random.uniform(0.5, 1.5))


def test_color_jitter_turns_red_to_green():
    jitter = ColorJitter(0, 0, 0, 0.5, prob=1.0)
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 200
    seen = {tuple(jitter.transform(make_sample(red.copy(), "red"))["img"][0, 0] > 60) for _ in range(60)}
    assert (False, True, False) in seen and (False, False, True) in seen


ALL = [
    ResizeRGBD((50, 60)),
    ResizeRGBD((50, 60), mode="cover"),
    RandomCropRGBD((20, 30)),
    RandomFlipRGBD(1.0),
    RandomZoom((1.5, 2.0), 1.0),
    ColorJitter(prob=1.0),
]


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
def test_photos_without_depth_or_camera_pass_and_inputs_stay(transform):
    photo = make_sample(ramp_sample()["img"], "photo.jpg")
    image = photo["img"]
    results = transform.transform(photo)
    assert "gt_depth_map" not in results
    assert "intrinsics" not in results
    np.testing.assert_array_equal(image, ramp_sample()["img"])
    sample = ramp_sample()
    given_arrays = {key: sample[key] for key in ("img", "gt_depth_map", "intrinsics")}
    transform.transform(sample)
    for key, array in given_arrays.items():
        np.testing.assert_array_equal(array, ramp_sample()[key])


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
def test_the_same_seed_gives_the_same(transform):
    runs = []
    for _ in range(2):
        np.random.seed(5)
        runs.append(transform.transform(ramp_sample()))
    np.testing.assert_array_equal(runs[0]["img"], runs[1]["img"])
    np.testing.assert_array_equal(runs[0]["gt_depth_map"], runs[1]["gt_depth_map"])


def test_pack():
    sample = RandomFlipRGBD(1.0).transform(ramp_sample())
    packed = PackDepthInputs().transform(sample)
    assert packed["inputs"].shape == (3, 80, 120)
    assert packed["inputs"].dtype == torch.uint8
    np.testing.assert_array_equal(packed["inputs"].numpy().transpose(1, 2, 0), sample["img"])
    depth = packed["data_samples"].gt_depth_map.data
    assert depth.shape == (1, 80, 120)
    assert depth.dtype == torch.float32
    meta = packed["data_samples"].metainfo
    assert set(meta) == {"img_path", "ori_shape", "img_shape", "flip", "flip_direction", "intrinsics"}
    photo = PackDepthInputs().transform(make_sample(ramp_sample()["img"], "photo.jpg"))
    assert "gt_depth_map" not in photo["data_samples"]
    assert set(photo["data_samples"].metainfo) == {"img_path", "ori_shape", "img_shape"}


@pytest.mark.parametrize("transform", [ResizeRGBD, RandomCropRGBD])
@pytest.mark.parametrize("size", [(0, 5), 224, "(32,)", (5.5, 5), None, (5, 5, 3), (5,)])
def test_a_size_is_height_and_width(transform, size):
    with pytest.raises(InputError, match=r"RGBD: size=.*: expected \(height, width\) in pixels, such as \(224, 304\)$"):
        transform(size)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ResizeRGBD((5, 5), mode="squash"), "ResizeRGBD: mode='squash': expected one of 'fit', 'cover'"),
        (lambda: RandomFlipRGBD(2), "RandomFlipRGBD: prob=2: expected a number of 1 or less"),
        (lambda: RandomFlipRGBD(float("nan")), "prob=nan: expected a finite number"),
        (lambda: RandomFlipRGBD("half"), "prob='half': expected a number"),
        (lambda: RandomFlipRGBD(probability=1), "unexpected keyword argument 'probability'; it takes prob"),
        (lambda: RandomZoom((0.5, 2)), r"scale=\(0.5, 2\): expected two factors, 1 <= a <= b"),
        (lambda: RandomZoom((2, 1)), r"scale=\(2.0, 1.0\): expected two factors"),
        (lambda: RandomZoom(1.5), "RandomZoom: scale=1.5"),
        (lambda: ColorJitter(hue=0.6), "hue=0.6: expected a number of 0.5 or less"),
        (lambda: ColorJitter(brightness=-1), "brightness=-1: expected a number of 0 or more"),
    ],
)
def test_arguments_out_of_range(build, message):
    with pytest.raises(InputError, match=message):
        build()
