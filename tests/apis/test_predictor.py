"""DepthPredictor and DepthResult, with the real model classes and untrained weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

import depthkit
from depthkit.apis.predictor import DepthPredictor, DepthResult, exif_focal_length
from depthkit.errors import InputError
from depthkit.registry import MODELS
from depthkit.utils.io import read_depth
from depthkit.visualization import draw_depth_map

CONFIG = """
img_size = (64, 96)
test_pipeline = [
    dict(type="ResizeRGBD", size=img_size, mode="fit", resize_depth=False),
    dict(type="PackDepthInputs"),
]
model = dict(
    type="DepthEstimator",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=False, pad_val=0,
        seg_pad_val=0,
    ),
    backbone=dict(
        type="ToSA", img_size=img_size, embed_dim=48, depth=4, num_heads=3, keep_rate=0.5, selection="shared",
        out_indices=(0, 1, 2, 3), pretrained=None,
    ),
    decode_head=dict(
        type="DPTHead", in_channels=(48,) * 4, channels=16, readout="project", min_depth=1e-3, max_depth=8.0,
        losses=[dict(type="ScaleInvariantLogLoss")],
    ),
    test_cfg=dict(mode="whole", flip=False),
)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """A config and a checkpoint of its model."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.py").write_text(CONFIG)
    init_default_scope("depthkit")
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(folder / "config.py").model)
    torch.nn.init.normal_(model.decode_head.state_dict(keep_vars=True)[_last_weight(model)], std=3.0)
    torch.save(model.state_dict(), folder / "weights.pth")
    return folder / "config.py", folder / "weights.pth"


def _last_weight(model) -> str:
    return [name for name, value in model.decode_head.state_dict().items() if value.ndim == 4][-1]


@pytest.fixture(scope="module")
def predictor(trained) -> DepthPredictor:
    return DepthPredictor(*trained)


def photo(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


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


@pytest.mark.parametrize("value", [0, None])
def test_a_focal_length_that_is_unknown(value):
    picture = Image.new("RGB", (8, 8))
    if value is not None:
        picture.getexif().get_ifd(0x8769)[0xA405] = value
    assert exif_focal_length(picture) is None


def test_without_a_focal_length_the_camera_is_nyus():
    shape = (480, 640)
    result = DepthResult(np.ones(shape, np.float32), np.zeros((*shape, 3), np.uint8))
    np.testing.assert_allclose(result.intrinsics, [[518.858, 0, 325.582], [0, 519.470, 253.736], [0, 0, 1]], atol=1e-3)
    tall = DepthResult(np.ones((1280, 960), np.float32), np.zeros((1280, 960, 3), np.uint8))
    assert tall.intrinsics[0, 0] == pytest.approx(2 * 518.858, abs=1e-2)


def test_saves_what_it_says(predictor, tmp_path):
    result = predictor(photo(120, 160))
    assert result.save(tmp_path, "p", side_by_side=True, point_cloud=True) == 0
    assert {file.name for file in tmp_path.iterdir()} == {
        "p_colored.png",
        "p_depth.npy",
        "p_depth.png",
        "p_points.ply",
        "p_side_by_side.png",
    }
    np.testing.assert_array_equal(np.load(tmp_path / "p_depth.npy"), result.depth)
    np.testing.assert_allclose(read_depth(tmp_path / "p_depth.png"), result.depth, atol=5.1e-4)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "p_colored.png")), result.colored())
    assert (result.colored() == draw_depth_map(result.depth, (0, 8))).all()
    assert b"element vertex 19200" in (tmp_path / "p_points.ply").read_bytes()[:200]


def test_saving_counts_what_16_bits_cannot_hold(tmp_path):
    depth = np.array([[1, 65.5, 66, 1000]], np.float32)
    assert DepthResult(depth, np.zeros((1, 4, 3), np.uint8)).save(tmp_path, "far") == 2
    assert np.asarray(Image.open(tmp_path / "far_depth.png")).tolist() == [[1000, 65500, 65535, 65535]]


def test_saving_to_no_folder_is_an_error(tmp_path):
    result = DepthResult(np.ones((4, 4), np.float32), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(InputError, match="nowhere/x_colored.png: cannot be written"):
        result.save(tmp_path / "nowhere", "x")


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
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 3)),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        3,
    ],
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


@pytest.mark.parametrize("device", ["cuda:63", "gpu", "meta", "cpu:x", ""])
def test_a_device_that_is_not_there_is_an_error(trained, device):
    with pytest.raises(InputError, match="is not on this machine; expected one of cpu"):
        DepthPredictor(*trained, device=device)


def test_a_file_that_is_no_picture_is_named(predictor, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(InputError, match="text.jpg"):
        predictor(tmp_path / "text.jpg")
    with pytest.raises(InputError, match="missing.jpg: no such file"):
        predictor(tmp_path / "missing.jpg")


def test_bad_configs_and_checkpoints(trained, tmp_path):
    config, checkpoint = trained
    with pytest.raises(InputError, match="no such checkpoint"):
        DepthPredictor(config, tmp_path / "missing.pth")
    with pytest.raises(InputError, match="there is no such config"):
        DepthPredictor(tmp_path / "missing.py", checkpoint)
    (tmp_path / "empty.py").write_text("a = 1\n")
    with pytest.raises(InputError, match="is not the config of a depth model"):
        DepthPredictor(tmp_path / "empty.py", checkpoint)
    (tmp_path / "wide.py").write_text(CONFIG.replace("channels=16", "channels=24"))
    with pytest.raises(InputError, match="is a checkpoint of another model"):
        DepthPredictor(tmp_path / "wide.py", checkpoint)
    (tmp_path / "typo.py").write_text(CONFIG.replace("keep_rate", "keep_rat"))
    with pytest.raises(InputError, match="keep_rat"):
        DepthPredictor(tmp_path / "typo.py", checkpoint)
    (tmp_path / "transform.py").write_text(CONFIG.replace("PackDepthInputs", "PackDepthInput"))
    with pytest.raises(InputError, match="test_pipeline: there is no .*PackDepthInput"):
        DepthPredictor(tmp_path / "transform.py", checkpoint)


def test_is_depthkits_own(predictor):
    assert depthkit.DepthPredictor is DepthPredictor and depthkit.DepthResult is DepthResult
