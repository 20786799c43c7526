"""DepthPredictor with the real model classes and untrained weights."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

import depthkit
from depthkit.apis.predictor import DepthPredictor
from depthkit.apis.result import DepthResult
from depthkit.errors import InputError
from plain_config import CONFIG, photo


@pytest.mark.parametrize(("height", "width"), [(64, 96), (97, 41), (300, 500), (1, 1), (2, 400), (400, 3)])
def test_depth_in_metres_at_the_photos_size(predictor, height, width):
    result = predictor(photo(height, width))
    assert result.depth.shape == result.size == result.valid.shape == (height, width)
    assert result.depth.dtype == np.float32
    assert result.valid.all() and result.depth.min() > 1e-3 and result.depth.max() < 8
    assert result.depth_range == (0.0, 8.0)


def test_a_path_a_pil_image_and_an_array_give_the_same(predictor, tmp_path):
    rgb = photo(70, 90)
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    results = [predictor(given) for given in (tmp_path / "photo.png", str(tmp_path / "photo.png"), rgb)]
    results.append(predictor(Image.fromarray(rgb)))
    for result in results:
        np.testing.assert_array_equal(result.depth, results[0].depth)
        np.testing.assert_array_equal(result.image, rgb)


def test_images_of_one_size_go_through_the_network_together(predictor, monkeypatch):
    images = [photo(64, 96, 0), photo(90, 60, 1), photo(64, 96, 2), photo(64, 96, 3)]
    alone = [predictor(image) for image in images]
    sizes, forward = [], predictor.model.forward
    monkeypatch.setattr(
        predictor.model,
        "forward",
        lambda inputs, *rest, **mode: sizes.append(len(inputs)) or forward(inputs, *rest, **mode),
    )
    together = predictor(images)
    assert sizes == [3, 1]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.depth, one.depth, atol=1e-5)
        assert other.image is not one.image or other.image.shape == one.image.shape
    np.testing.assert_array_equal(together[1].depth, alone[1].depth)  # alone in its size
    for one, other in zip(alone, predictor(tuple(images), batch_size=1), strict=True):
        np.testing.assert_array_equal(other.depth, one.depth)
    assert sizes == [3, 1, 1, 1, 1, 1]


def test_a_list_is_read_in_parts(predictor, tmp_path):
    Image.fromarray(photo(64, 96)).save(tmp_path / "a.png")
    sources = [tmp_path / "a.png", photo(64, 96), torch.from_numpy(photo(64, 96)).permute(2, 0, 1)] * 3
    results = predictor(sources, batch_size=4)
    assert len(results) == 9 and predictor([]) == []
    for result in results[1:]:
        np.testing.assert_allclose(result.depth, results[0].depth, atol=1e-5)


def test_each_image_of_a_list_may_have_its_focal_length(predictor, monkeypatch):
    monkeypatch.setattr(predictor.model, "canonical_focal", 50.0)
    same, half, twice = predictor([photo(64, 96)] * 3, focal=[50, 25.0, 100])
    assert [result.focal_length for result in (same, half, twice)] == [50, 25, 100]
    np.testing.assert_allclose(twice.depth, 4 * half.depth, rtol=1e-5)
    assert [result.focal_length for result in predictor([photo(64, 96)] * 2, focal=70)] == [70, 70]


@pytest.mark.parametrize(
    ("images", "settings", "message"),
    [
        ([photo(8, 8), "no.png"], {}, "no.png: no such file"),
        ([photo(8, 8), photo(8, 8), np.zeros((8, 8, 2))], {"batch_size": 2}, "image 2: has shape"),
        ([photo(8, 8)] * 2, {"focal": [50]}, "1 focal lengths for 2 images"),
        ([photo(8, 8), 3], {"focal": [50, -1]}, "focal: -1 is not a focal length"),
        ([photo(8, 8)], {"batch_size": 0}, "batch_size=0"),
        ([[photo(8, 8)]], {}, "image 0: is of type list"),
    ],
)
def test_what_is_wrong_in_a_list_is_named(predictor, images, settings, message):
    with pytest.raises(InputError, match=message):
        predictor(images, **settings)


def test_a_predictor_says_in_one_line_what_it_is(predictor):
    assert repr(predictor) == "DepthPredictor(ToSA, metric, 0.2 M parameters, device=cpu)"


def test_is_the_models_own_prediction(predictor):
    rgb = photo(64, 96)
    inputs = (torch.from_numpy(rgb).permute(2, 0, 1)[None].float() - 120) / 60
    with torch.no_grad():
        expected = predictor.model(inputs)[0, 0].numpy()
    assert expected.std() > 1e-3, "the untrained model should not give a constant"
    np.testing.assert_allclose(predictor(rgb).depth, expected, atol=1e-5)


def test_exif_rotation_and_focal_length(predictor, tmp_path):
    upright = photo(60, 90)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    exif.get_ifd(0x8769)[0xA405] = 26
    sideways = Image.fromarray(np.rot90(upright).copy())
    sideways.save(tmp_path / "phone.png", exif=exif)
    for given in (tmp_path / "phone.png", Image.open(tmp_path / "phone.png")):
        result = predictor(given)
        np.testing.assert_array_equal(result.image, upright)
        assert result.focal_length == pytest.approx(26 * np.hypot(60, 90) / np.hypot(36, 24))
        assert result.intrinsics[0, 0] == result.focal_length
    np.testing.assert_array_equal(result.depth, predictor(upright).depth)


def test_metres_of_a_canonical_camera_follow_the_focal_length(predictor, monkeypatch):
    monkeypatch.setattr(predictor.model, "canonical_focal", 50.0)
    results = []
    for millimetres in (26, 52):
        image = Image.fromarray(photo(60, 90))
        image.getexif().get_ifd(0x8769)[0xA405] = millimetres
        results.append(predictor(image))
    once, twice = results
    np.testing.assert_array_equal(twice.depth, 2 * once.depth)
    # So does the colour bar, or all would be one colour; the camera of the training has the model's own range.
    assert twice.depth_range == pytest.approx((0, 2 * once.depth_range[1]))
    assert twice.depth.max() <= twice.depth_range[1]
    assert predictor(photo(60, 90)).depth_range == (0.0, 8.0)


def test_flip_averaging_is_the_configs(trained):
    config = Config.fromfile(trained[0])
    config.model.test_cfg.flip = True
    flipping, rgb = DepthPredictor(config, trained[1]), photo(64, 96)
    mirrored = flipping(np.ascontiguousarray(rgb[:, ::-1])).depth[:, ::-1]
    np.testing.assert_allclose(flipping(rgb).depth, mirrored, atol=1e-5)


def test_nothing_pretrained_is_fetched(trained):
    config = Config.fromfile(trained[0])
    config.model.backbone.pretrained = "/no/such/file.pth"
    DepthPredictor(config, trained[1])
    assert config.model.backbone.pretrained == "/no/such/file.pth", "the caller's config is left as it was"


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 8, 2), np.uint8), np.full((8, 8, 3), 255.0), np.zeros((0, 8, 3), np.uint8), 3, None],
)
def test_other_kinds_of_images_are_refused(predictor, image):
    with pytest.raises(InputError, match="image: "):
        predictor(image)


def test_pil_images_of_other_modes(predictor):
    rgb = photo(40, 50)
    grey = Image.fromarray(rgb).convert("L")
    assert predictor(grey).image.shape == predictor(grey.convert("CMYK")).image.shape == (40, 50, 3)
    clear = Image.new("RGBA", (50, 40), (255, 0, 0, 0))
    assert (predictor(clear).image == 255).all()
    sixteen = Image.fromarray(np.full((4, 4), 65535, np.uint16))
    assert (predictor(sixteen).image == 255).all(), "16 bits keep their full range"
    with pytest.raises(InputError, match="image: holds 32-bit values"):
        predictor(Image.fromarray(np.zeros((4, 4), np.float32)))


def test_files_and_devices_that_are_not_there(trained, predictor, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(InputError, match="text.jpg"):
        predictor(tmp_path / "text.jpg")
    with pytest.raises(InputError, match="missing.jpg: no such file"):
        predictor(tmp_path / "missing.jpg")
    with pytest.raises(InputError, match="no such checkpoint"):
        DepthPredictor(trained[0], tmp_path / "missing.pth")
    with pytest.raises(InputError, match="there is no such config"):
        DepthPredictor(tmp_path / "missing.py", trained[1])
    with pytest.raises(InputError, match="'gpu': is not on this machine; expected one of cpu"):
        DepthPredictor(*trained, device="gpu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\n", "is not the config of a depth model"),
        (CONFIG.replace("channels=16", "channels=24"), "is a checkpoint of another model"),
        (CONFIG.replace("keep_rate", "keep_rat"), "keep_rat"),
        (CONFIG.replace("PackDepthInputs", "PackDepthInput"), "test_pipeline: there is no .*PackDepthInput"),
    ],
)
def test_bad_configs(trained, tmp_path, text, message):
    (tmp_path / "config.py").write_text(text)
    with pytest.raises(InputError, match=message):
        DepthPredictor(tmp_path / "config.py", trained[1])


def test_is_depthkits_own(predictor):
    assert depthkit.DepthPredictor is DepthPredictor and depthkit.DepthResult is DepthResult


def test_a_file_of_too_many_pixels_is_read_smaller_and_that_is_said(predictor, tmp_path, monkeypatch, capsys):
    large, small = tmp_path / "large.png", tmp_path / "small.png"
    Image.fromarray(photo(96, 128)).save(large)
    Image.fromarray(photo(96, 128)).reduce(2).save(small)
    expected = predictor(small, focal=50)
    monkeypatch.setattr("depthkit.utils.input_files.MAX_PIXELS", 96 * 128 - 1)
    results = [predictor(large, focal=100), *predictor([large.read_bytes(), small], focal=[100, 50])]
    for result in results:
        np.testing.assert_allclose(result.values, expected.values, rtol=1e-5)
        assert result.focal_length == expected.focal_length == 50
    assert [result.reduction for result in results] == [2, 2, 1]
    assert "64x48 px at 1/2 of its size" in repr(results[0]) and "at 1/" not in repr(expected)
    assert capsys.readouterr().err == "".join(
        f"warning: {name}: too large, so read at 1/2 of its size; the result and its focal length are those of that "
        "size\n"
        for name in (large, "image 0")
    )
