"""Which focal length an image has, and that metres follow it exactly."""

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config
from PIL import ExifTags, Image
from torch import nn

from depthkit.apis.focal import FocalLength, FocalRule, check_focal, choose_focal_length, exif_focal_length
from depthkit.apis.predictor import DepthPredictor
from depthkit.errors import InputError
from depthkit.registry import MODELS, depthkit_scope

SHAPE = (480, 640)
AUTHORS = FocalRule(automatic=False)
EXIF = ExifTags.Base


class ApparentSize(nn.Module):
    """Reads the size [px] of the stripes that it sees, as a network reads that of a chair."""

    def forward(self, images):
        rows = images.mean(dim=(1, 2)) > 0
        edges = [(row[1:] != row[:-1]).nonzero() for row in rows]
        sizes = torch.stack([(found[-1] - found[0]) / (len(found) - 1) for found in edges])
        return [sizes.view(-1, 1, 1, 1).expand(-1, 1, *images.shape[-2:])]


class NearerIfLarger(nn.Module):
    """Stripes that look twice as large are twice as near."""

    def __init__(self):
        super().__init__()
        self.distance = nn.Parameter(torch.tensor(24.0))

    def forward(self, maps, size):
        return self.distance / maps[0]


@pytest.fixture(scope="module")
def follower(tmp_path_factory):
    """A DepthPredictor of such a model, whose canonical camera has 100 px, for inputs of any size."""
    path = tmp_path_factory.mktemp("follower") / "weights.pth"
    with depthkit_scope():
        for module in (ApparentSize, NearerIfLarger):
            MODELS.register_module(module=module, force=True)

    def make(height=96, width=128):
        model = dict(
            type="DepthEstimator",
            data_preprocessor=dict(type="SegDataPreProcessor", mean=[128.0] * 3, std=[1.0] * 3, pad_val=0),
            backbone=dict(type="ApparentSize"),
            decode_head=dict(type="NearerIfLarger"),
            size_divisor=1,
            canonical_focal=100.0,
        )
        resize = dict(type="ResizeRGBD", size=(height, width), mode="fit")
        config = Config(dict(model=model, test_pipeline=[resize, dict(type="PackDepthInputs")]))
        torch.save({"decode_head.distance": torch.tensor(24.0)}, path)
        return DepthPredictor(config, path, "cpu")

    yield make
    for module in (ApparentSize, NearerIfLarger):
        MODELS.module_dict.pop(module.__name__)


def stripes(size=8, height=96, width=128):
    """Vertical stripes of `size` [px]."""
    return np.repeat(np.arange(width)[None] // size % 2 * 255, height, axis=0).astype(np.uint8)[..., None].repeat(3, -1)


def zoomed(image, factor):
    height, width = (round(side / factor) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    cropped = image[top : top + height, left : left + width]
    return cv2.resize(cropped, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def test_the_same_pixels_with_twice_the_focal_length_are_twice_as_far(follower):
    predictor, image = follower(), stripes()
    once, twice = predictor(image, focal=123.4), predictor(image, focal=246.8)
    np.testing.assert_array_equal(twice.depth, 2 * once.depth)
    assert (once.focal_length, once.focal_source) == (123.4, "given")
    np.testing.assert_array_equal(predictor(image, focal=100).depth, np.full((96, 128), 3, np.float32))


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_a_zoomed_image_with_its_focal_length_gives_the_same_metres(follower, factor):
    predictor, image = follower(), stripes()
    result = predictor(zoomed(image, factor), focal=factor * 123.4)
    np.testing.assert_array_equal(result.depth, predictor(image, focal=123.4).depth)
    np.testing.assert_array_equal(predictor(zoomed(image, factor)).depth, predictor(image).depth / factor)


@pytest.mark.parametrize("factor", [1.25, 1.5, 3])
def test_nearly_so_where_pixels_do_not_fit(follower, factor):
    predictor, image = follower(480, 640), stripes(40, 480, 640)
    ratio = predictor(zoomed(image, factor), focal=factor * 500).depth / predictor(image, focal=500).depth
    np.testing.assert_allclose(ratio, 1, rtol=0.02)


@pytest.mark.parametrize("size", [(96, 128), (48, 64), (192, 256), (96, 1000)])
def test_the_size_of_the_networks_input_does_not_matter(follower, size):
    np.testing.assert_array_equal(follower(*size)(stripes(), focal=123.4).depth, follower()(stripes(), 123.4).depth)


def test_an_assumed_camera_is_the_models_own(follower):
    result = follower(48, 64)(stripes())
    assert (result.focal_length, result.focal_source) == (200.0, "assumed")  # at the image's own size
    assert (result.depth == 6).all()  # stripes of 4 px at the network's size, as the model gives them
    assert result.intrinsics[0, 0] == 200


def test_exif_is_used_and_can_be_overruled(follower, tmp_path):
    exif = Image.Exif()
    exif[EXIF.Orientation] = 1
    exif.get_ifd(ExifTags.IFD.Exif)[EXIF.FocalLengthIn35mmFilm] = 27
    Image.fromarray(stripes()).save(tmp_path / "phone.png", exif=exif)
    predictor, pixels = follower(), 27 * 160 / math.hypot(36, 24)
    for focal in (None, "exif"):
        result = predictor(tmp_path / "phone.png", focal)
        assert (result.focal_length, result.focal_source) == (pytest.approx(pixels), "exif")
        np.testing.assert_allclose(result.depth, 3 * pixels / 100, rtol=1e-6)
    assert predictor(tmp_path / "phone.png", 100).focal_source == "given"
    with pytest.raises(InputError, match="^plain.png: has no focal length in its EXIF"):
        choose_focal_length("exif", None, 100.0, SHAPE, (1.0, 1.0), FocalRule(), "plain.png")


@pytest.mark.parametrize(
    ("requested", "exif", "canonical", "rule", "expected"),
    [
        (700, 600.0, 400.0, FocalRule(), FocalLength(700, "given", 350, True)),
        (None, 600.0, 400.0, FocalRule(), FocalLength(600, "exif", 300, True)),
        (None, None, 400.0, FocalRule(), FocalLength(800, "assumed", 400, True)),
        (None, None, 300.0, FocalRule(assumed="nyu"), FocalLength(pytest.approx(518.8579), "assumed", 259.42895, True)),
        (None, 600.0, 300.0, FocalRule(assumed="nyu"), FocalLength(600, "exif", 300, True)),
        # Published weights: the authors' metres, unless a focal length is asked for.
        (None, 600.0, 400.0, AUTHORS, FocalLength(600, "exif", 400, False)),
        # The camera of their training gives points their shape.
        (None, None, 400.0, AUTHORS, FocalLength(800, "assumed", 400, False)),
        (None, None, 400.0, FocalRule(automatic=False, training_side=240), FocalLength(800, "assumed", 400, False)),
        (None, None, 400.0, FocalRule(automatic=False, training_side=480), FocalLength(400, "assumed", 400, False)),
        ("exif", 600.0, 400.0, AUTHORS, FocalLength(600, "exif", 300, True)),
        (700, 600.0, 400.0, AUTHORS, FocalLength(700, "given", 350, True)),
        # What counts is the field of view, at the size of the training's images.
        (700, None, 400.0, FocalRule(automatic=False, training_side=240), FocalLength(700, "given", 350, True)),
        (700, None, 400.0, FocalRule(automatic=False, training_side=480), FocalLength(700, "given", 700, True)),
        # Depth-Anything-3: the mean of fx and fy.
        (700, None, 300.0, FocalRule(assumed="nyu", both_axes=True), FocalLength(700, "given", 385, True)),
        # Metres that do not follow the camera: the focal length is for point clouds.
        (700, 600.0, None, FocalRule(), FocalLength(700, "given", None, False)),
        (None, 600.0, None, FocalRule(), FocalLength(600, "exif", None, False)),
        (None, None, None, FocalRule(), FocalLength(None, None, None, False)),
    ],
)
def test_the_rules(requested, exif, canonical, rule, expected):
    found = choose_focal_length(requested, exif, canonical, SHAPE, (0.5, 0.6), rule)
    assert found[:2] == expected[:2] and found.metres_follow == expected.metres_follow
    assert found.at_input == (None if expected.at_input is None else pytest.approx(expected.at_input))


@pytest.mark.parametrize("arguments", [{"assumed": "kitti"}, {"automatic": "no"}, {"both_axes": 2}])
def test_a_rule_that_does_not_exist(arguments):
    with pytest.raises(
        InputError, match="^FocalRule.*: expected automatic and both_axes=True or False, and assumed='canonical' or"
    ):
        FocalRule(**arguments)
    with pytest.raises(InputError, match="training_side='518'.*: expected training_side in pixels, or None"):
        FocalRule(training_side="518")


@given(canonical=st.floats(10, 5000), width=st.integers(1, 5000), input_width=st.integers(1, 2000))
def test_an_assumed_camera_changes_nothing(canonical, width, input_width):
    found = choose_focal_length(None, None, canonical, (10, width), (input_width / width, 1.0), FocalRule())
    assert np.float32(found.at_input / canonical) == 1


@pytest.mark.parametrize("value", ["0", 0, -5, "nan", math.inf, "abc", "35mm", True, [500], "EXIF"])
def test_what_is_not_a_focal_length(value):
    with pytest.raises(
        InputError, match="^focal: .* is not a focal length; expected a number of pixels above 0, or exif"
    ):
        check_focal(value)


@pytest.mark.parametrize("focal", [26, 63.9, 64001])
def test_a_focal_length_in_another_unit(focal):
    with pytest.raises(
        InputError, match=r"^a.jpg: a focal length of .* impossible for 640x480 px; expected 64 to 64000"
    ):
        choose_focal_length(focal, None, None, SHAPE, 1.0, FocalRule(), "a.jpg")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, None),
        ({EXIF.FocalLengthIn35mmFilm: 0}, None),
        ({EXIF.FocalLengthIn35mmFilm: 27}, 27 * 500 / math.hypot(36, 24)),
        ({EXIF.FocalLengthIn35mmFilm: 65535}, None),
        # As large as it was taken, smaller, turned, and cropped.
        ({EXIF.FocalLengthIn35mmFilm: 27, EXIF.ExifImageWidth: 4000, EXIF.ExifImageHeight: 3000}, 312.0),
        ({EXIF.FocalLengthIn35mmFilm: 27, EXIF.ExifImageWidth: 3000, EXIF.ExifImageHeight: 4000}, 312.0),
        ({EXIF.FocalLengthIn35mmFilm: 27, EXIF.ExifImageWidth: 3000, EXIF.ExifImageHeight: 3000}, None),
        # A camera that writes no 35 mm equivalent: 5 mm, 1000 px on a centimetre, on an inch.
        ({EXIF.FocalLength: 5.0}, None),
        ({EXIF.FocalLength: 5.0, EXIF.FocalPlaneXResolution: 1000.0, EXIF.FocalPlaneResolutionUnit: 3}, 500.0),
        ({EXIF.FocalLength: 5.0, EXIF.FocalPlaneXResolution: 2540.0}, 500.0),
        (
            {
                EXIF.FocalLength: 5.0,
                EXIF.FocalPlaneXResolution: 2540.0,
                EXIF.ExifImageWidth: 800,
                EXIF.ExifImageHeight: 600,
            },
            250.0,
        ),
    ],
)
def test_exif(tags, expected):
    image = Image.new("RGB", (400, 300))
    image.getexif().get_ifd(ExifTags.IFD.Exif).update(tags)
    assert exif_focal_length(image) == (None if expected is None else pytest.approx(expected, rel=1e-3))
