"""Published models by name: the whole path on an image, against plain code of what their authors do."""

import dataclasses
import hashlib
import shutil

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import depthkit
from depthkit.apis.predictor import DepthPredictor
from depthkit.errors import InputError
from depthkit.models import ToSA
from depthkit.registry import MODELS, depthkit_scope
from depthkit.zoo.configs import make_config
from depthkit.zoo.layout_names import LAYOUTS
from depthkit.zoo.loading import _print_once
from depthkit.zoo.table import MODELS as ZOO
from depthkit.zoo.table import find_model

RELATIVE = "depth-anything-v2-small"
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def photo(height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(height).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def infer_image(model: torch.nn.Module, rgb: np.ndarray, input_size: int) -> np.ndarray:
    """What `DepthAnythingV2.infer_image` does with an image, written down plainly."""
    height, width = rgb.shape[:2]
    scale = max(input_size / height, input_size / width)
    size = []
    for side in (height, width):
        multiple = int(np.round(scale * side / 14) * 14)
        size.append(multiple if multiple >= input_size else int(np.ceil(scale * side / 14) * 14))
    image = cv2.resize(rgb / 255.0, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    image = ((image - MEAN) / STD).transpose(2, 0, 1)
    with torch.no_grad():
        depth = model(torch.from_numpy(image).float()[None])
    return F.interpolate(depth, (height, width), mode="bilinear", align_corners=True)[0, 0].numpy()


@pytest.mark.parametrize("size", [(97, 150), (150, 97), (40, 60), (126, 126), (300, 200)])
def test_the_whole_path_of_depth_anything(tiny_zoo, size):
    path = tiny_zoo(RELATIVE)
    predictor = DepthPredictor.from_pretrained(RELATIVE, path, input_size=126, device="cpu")
    rgb = photo(*size)
    result = predictor(rgb)
    expected = infer_image(depthkit.create_model(RELATIVE, path), rgb, 126)
    assert result.kind == "relative" and expected.std() > 1e-3
    np.testing.assert_allclose(result.disparity, expected, atol=1e-5 * np.abs(expected).max())


def test_metres_are_those_of_the_authors_unless_a_focal_length_is_given(tiny_zoo):
    name = "depth-anything-v2-metric-outdoor-small"
    path = tiny_zoo(name)
    predictor = DepthPredictor.from_pretrained(name, path, input_size=126, device="cpu")
    rgb = photo(120, 160)
    result = predictor(rgb)
    expected = infer_image(depthkit.create_model(name, path), rgb, 126)
    assert (result.kind, result.depth_range) == ("metric", (0.0, 80.0)) and 0 < expected.min() < expected.max() < 80
    np.testing.assert_allclose(result.depth, expected, rtol=1e-5)
    # In training the camera had 725.0087 px at a height of 375 px; the size of the network's input does not matter.
    scaled, ratio = predictor(rgb, focal=200.0), 200 / 120 / (725.0087 / 375)
    np.testing.assert_allclose(scaled.depth, expected * ratio, rtol=1e-5)
    assert scaled.metres_follow_focal and scaled.depth_range == (0, pytest.approx(80 * ratio))
    # Without a focal length points have this camera's shape, at any input size; EXIF changes only this shape.
    assert (result.focal_source, result.metres_follow_focal) == ("assumed", False)
    assert result.intrinsics[0, 0] == pytest.approx(725.0087 * 120 / 375)
    phone = Image.fromarray(rgb)
    phone.getexif().get_ifd(0x8769)[0xA405] = 26
    seen = predictor(phone)
    np.testing.assert_array_equal(seen.depth, result.depth)
    assert (seen.focal_source, seen.metres_follow_focal, seen.depth_range) == ("exif", False, (0, 80))
    assert seen.intrinsics[0, 0] == seen.focal_length == pytest.approx(26 * 200 / 43.2666, rel=1e-4)


@pytest.mark.parametrize("scene", ["indoor", "outdoor"])
def test_max_depth_is_that_of_the_name_and_not_of_the_file(tiny_zoo, scene):
    path = tiny_zoo(f"depth-anything-v2-metric-{scene}-small")
    found = depthkit.create_model(f"depth-anything-v2-metric-{scene}-small", path)
    assert found.decode_head.max_depth == {"indoor": 20, "outdoor": 80}[scene]
    assert found.decode_head.min_depth == 0


def test_the_whole_path_of_midas(tiny_zoo):
    path = tiny_zoo("dpt-large")
    predictor = DepthPredictor.from_pretrained("dpt-large", path, input_size=128, device="cpu")
    rgb = photo(150, 200)
    # 128/150 is nearer to 1 than 128/200: 128 x 170.7, and the nearest multiple of 32 is 160.
    image = cv2.resize(rgb / 255.0, (160, 128), interpolation=cv2.INTER_CUBIC)
    image = torch.from_numpy(((image - 0.5) / 0.5).transpose(2, 0, 1)).float()[None]
    with torch.no_grad():
        disparity = depthkit.create_model("dpt-large", path)(image)
    expected = F.interpolate(disparity, (150, 200), mode="bicubic", align_corners=False)[0, 0].numpy()
    assert expected.std() > 1e-3
    np.testing.assert_allclose(predictor(rgb).disparity, expected, atol=1e-5 * np.abs(expected).max())


def da3_output(name: str, path, rgb: np.ndarray) -> np.ndarray:
    """100 x 150 becomes 84 x 126 with an `input_size` of 126, in one step by area."""
    image = cv2.resize(rgb, (126, 84), interpolation=cv2.INTER_AREA)
    image = torch.from_numpy(((image / 255 - MEAN) / STD).transpose(2, 0, 1)).float()[None]
    with torch.no_grad():
        depth = depthkit.create_model(name, path)(image)
    return F.interpolate(depth, rgb.shape[:2], mode="bilinear", align_corners=False)[0, 0].numpy()


def test_the_whole_path_of_depth_anything_3(tiny_zoo):
    rgb = photo(100, 150)
    path = tiny_zoo("da3mono-large")
    result = DepthPredictor.from_pretrained("da3mono-large", path, input_size=126, device="cpu")(rgb)
    assert result.kind == "relative"
    np.testing.assert_allclose(result.disparity, 1 / da3_output("da3mono-large", path, rgb), rtol=1e-4)
    path = tiny_zoo("da3metric-large")
    predictor = DepthPredictor.from_pretrained("da3metric-large", path, input_size=126, device="cpu")
    expected = da3_output("da3metric-large", path, rgb)
    # metres = focal length at the network's input * output / 300
    np.testing.assert_allclose(predictor(rgb, focal=500.0).depth, expected * 500 * 126 / 150 / 300, rtol=1e-4)
    assumed = predictor(rgb)
    assert assumed.kind == "metric" and assumed.focal_source == "assumed" and assumed.metres_follow_focal
    assert assumed.depth_range is None  # its canonical focal length is not that of a camera, so no range follows it
    np.testing.assert_allclose(assumed.focal_length, 518.8579 / 640 * 150, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("metric", [False, True])
def test_the_path_of_transformers(tmp_path, metric):
    """Processor, model with its own rule for the position table, and last resize of transformers."""
    pytest.importorskip("transformers")
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessorPil

    name = "depth-anything-v2-metric-indoor-small" if metric else RELATIVE
    backbone = Dinov2Config(
        hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14, out_indices=[3, 6, 9, 12],
        apply_layernorm=True, reshape_hidden_states=False,
    )  # fmt: skip
    torch.manual_seed(0)
    model = DepthAnythingForDepthEstimation(
        DepthAnythingConfig(
            backbone_config=backbone, reassemble_hidden_size=384, neck_hidden_sizes=[48, 96, 192, 384],
            fusion_hidden_size=64, depth_estimation_type="metric" if metric else "relative",
            max_depth=20 if metric else 1,
        )
    ).eval()  # fmt: skip
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=(2 / parameter[0].numel()) ** 0.5)
    model.save_pretrained(tmp_path)
    rgb = photo(300, 400)
    processor = DPTImageProcessorPil(
        size={"height": 518, "width": 518}, keep_aspect_ratio=True, ensure_multiple_of=14, resample=3,
        image_mean=MEAN.tolist(), image_std=STD.tolist(),
    )  # fmt: skip
    pixels = torch.from_numpy(np.stack(processor(Image.fromarray(rgb))["pixel_values"]))
    with torch.no_grad():
        depth = model(pixels).predicted_depth
    expected = F.interpolate(depth[None], (300, 400), mode="bicubic", align_corners=False)[0, 0].numpy()
    weights = tmp_path / "model.safetensors"
    predictor = DepthPredictor.from_pretrained(name, weights, preprocessing="transformers", device="cpu")
    result = predictor(rgb)
    assert expected.std() > 1e-3 and result.kind == ("metric" if metric else "relative")
    np.testing.assert_allclose(result.values, expected, atol=1e-4 * np.abs(expected).max())


def test_a_keep_rate_of_1_is_the_dense_model_and_less_is_another(tiny_zoo):
    path = tiny_zoo(RELATIVE)
    rgb = photo(120, 160)
    settings = {"weights": path, "input_size": 126, "device": "cpu"}
    dense = DepthPredictor.from_pretrained(RELATIVE, **settings)(rgb)
    whole = DepthPredictor.from_pretrained(RELATIVE, **settings, keep_rate=1, selective_layers=[1, 3])
    np.testing.assert_array_equal(whole(rgb).values, dense.values)
    half = DepthPredictor.from_pretrained(RELATIVE, **settings, keep_rate=0.5, selective_layers=[1, 3])
    assert isinstance(half.model.backbone, ToSA) and half.model.backbone.selective_layers == (1, 3)
    assert np.abs(half(rgb).values - dense.values).max() > 0
    assert half(rgb).metadata["keep_rate"] == "0.5"


def test_results_say_where_they_are_from_and_a_licence_is_told_once(tiny_zoo, capsys):
    _print_once.cache_clear()
    path = tiny_zoo("depth-anything-v2-base")
    for _ in range(2):
        predictor = DepthPredictor.from_pretrained("depth-anything-v2-base", path, input_size=28, device="cpu")
    metadata = predictor(photo(30, 30)).metadata
    assert metadata["model"] == "depth-anything-v2-base" and metadata["licence"] == "CC-BY-NC-4.0"
    assert metadata["source"] == path.name and "2406.09414" in metadata["paper"]
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "the licence of these weights is CC-BY-NC-4.0 (not for commercial use" in told
    depthkit.create_model(RELATIVE, tiny_zoo(RELATIVE))
    assert "licence" not in capsys.readouterr().err


def test_the_published_file_comes_from_the_hub(tiny_zoo, hub):
    path = tiny_zoo(RELATIVE)
    hub.content = path.read_bytes()
    hub.etag = hashlib.sha256(hub.content).hexdigest()
    rgb = photo(60, 60)
    results = [
        DepthPredictor.from_pretrained(RELATIVE, weights, input_size=56, device="cpu")(rgb) for weights in (None, path)
    ]
    np.testing.assert_array_equal(results[0].values, results[1].values)
    assert results[0].metadata["source"] == find_model(RELATIVE).url
    assert results[0].metadata["weights"] == "published"
    model = depthkit.create_model(RELATIVE, pretrained=True)
    assert torch.equal(model.backbone.cls_token, depthkit.create_model(RELATIVE, str(path)).backbone.cls_token)
    assert len([method for method, _, _ in hub.requests if method == "GET"]) == 1


def test_what_cannot_be_used_is_one_sentence(tiny_zoo, tmp_path):
    path = tiny_zoo(RELATIVE)
    (tmp_path / "half.pth").write_bytes(path.read_bytes()[:-5000])
    (tmp_path / "text.safetensors").write_text("<html>404</html>")
    cases = [
        ("did you mean", "depth-anything-v2-smal", {}),
        ("half.pth: not a checkpoint, or one that is damaged; get the file again", RELATIVE, {"weights": "half.pth"}),
        ("text.safetensors: not a checkpoint", RELATIVE, {"weights": "text.safetensors"}),
        ("none.pth: no such checkpoint file", RELATIVE, {"weights": "none.pth"}),
        ("input_size=0: expected a number of pixels from 1 to", RELATIVE, {"input_size": 0}),
        ("input_size=518.5: expected", RELATIVE, {"input_size": 518.5}),
        ("input_size=100000: expected a number of pixels from 1 to 4096", RELATIVE, {"input_size": 100_000}),
        ("input_size=True: expected", RELATIVE, {"input_size": True}),
        ("name=None: expected the name of a model", None, {}),
        ("preprocessing='hf': expected authors or transformers", RELATIVE, {"preprocessing": "hf"}),
        ("da3mono-large: transformers does not have this model", "da3mono-large", {"preprocessing": "transformers"}),
        ("keep_rate", RELATIVE, {"keep_rate": 0.0}),
        ("selection=per_head: says how patches are selected; give keep_rate", RELATIVE, {"selection": "per_head"}),
    ]
    for expected, name, settings in cases:
        if "weights" in settings:
            settings["weights"] = tmp_path / settings["weights"]
        with pytest.raises(InputError) as caught:
            DepthPredictor.from_pretrained(name, **{"weights": path, **settings}, device="cpu")
        assert expected in str(caught.value) and "\n" not in str(caught.value)
    for weights in (3, True, b"x"):
        with pytest.raises(InputError, match=f"weights={weights!r}: expected the path of a file, or None"):
            DepthPredictor.from_pretrained(RELATIVE, weights, device="cpu")
    with pytest.raises(InputError, match="pretrained=3: expected True, False or the path of a file"):
        depthkit.create_model(RELATIVE, 3)


def test_numbers_of_numpy_are_numbers(tiny_zoo):
    path = tiny_zoo(RELATIVE)
    predictor = DepthPredictor.from_pretrained(RELATIVE, path, input_size=np.int64(28), device="cpu")
    assert type(predictor.transforms[0].size) is int
    assert depthkit.create_model(RELATIVE, pretrained=np.bool_(False)).output == "disparity"


def test_weights_of_another_model_are_refused(tiny_zoo):
    with pytest.raises(InputError, match=r"depth-anything-v2-small.pth: "):
        depthkit.create_model("da3mono-large", tiny_zoo(RELATIVE))
    tiny_zoo("dpt-large")
    with pytest.raises(InputError, match=r"depth-anything-v2-small.pth: "):
        depthkit.create_model("dpt-large", tiny_zoo(RELATIVE))


def test_a_file_with_the_name_of_another_model_is_refused(tiny_zoo, tmp_path):
    """V1, V2 and V2's metric models have the same tensors: nothing else could tell them apart."""
    path = tiny_zoo("depth-anything-v2-metric-outdoor-small")
    renamed = path.rename(tmp_path / "depth_anything_v2_metric_hypersim_vits.pth")
    with pytest.raises(
        InputError, match="has the name of the file of depth-anything-v2-metric-indoor-small; name that"
    ):
        depthkit.create_model("depth-anything-v2-metric-outdoor-small", renamed)
    first = path.with_name("depth_anything_vits14.pth")
    shutil.copy(renamed, first)
    with pytest.raises(InputError, match="has the name of the file of depth-anything-v1-small; name that"):
        depthkit.create_model("depth-anything-v2-metric-outdoor-small", first)
    tiny_zoo("depth-anything-v1-small")
    assert depthkit.create_model("depth-anything-v1-small", first).output == "disparity"
    tiny_zoo("depth-anything-v2-metric-indoor-small")
    assert depthkit.create_model("depth-anything-v2-metric-indoor-small", renamed).decode_head.max_depth == 20


def test_a_file_of_the_authors_is_compared_with_the_published_one(tiny_zoo, tmp_path, monkeypatch, capsys):
    _print_once.cache_clear()
    path = tmp_path / "mine.pth"
    authors = LAYOUTS[0]
    torch.save({authors.name_of(name): value for name, value in torch.load(tiny_zoo(RELATIVE)).items()}, path)
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    for known, expected in [
        ((None, None), "not checked"),
        ((len(content), sha256), "published"),
        ((len(content) + 1, sha256), "not the published file"),
        ((len(content), "0" * 64), "not the published file"),
    ]:
        changed = dataclasses.replace(ZOO[RELATIVE], size=known[0], sha256=known[1])
        monkeypatch.setitem(ZOO, RELATIVE, changed)
        capsys.readouterr()
        predictor = DepthPredictor.from_pretrained(RELATIVE, path, device="cpu")
        assert predictor.metadata["weights"] == expected
        if not _print_once.cache_info().hits:
            told = f"note: {path}: is not the published file of {RELATIVE}, its size or SHA-256 differs\n"
            assert capsys.readouterr().err == told * (expected == "not the published file")
    # The published weights in another layout are another file.
    other = DepthPredictor.from_pretrained(RELATIVE, tiny_zoo(RELATIVE), device="cpu")
    assert other.metadata["weights"] == "not checked"


def test_random_weights_of_the_real_size():
    model = depthkit.create_model(RELATIVE)
    assert not model.training and sum(value.numel() for value in model.parameters()) == 24_710_849
    with torch.no_grad():
        assert model(torch.zeros(2, 3, 28, 42)).shape == (2, 1, 28, 42)


@pytest.mark.parametrize("name", list(ZOO))
def test_the_number_of_parameters_is_that_of_the_table(name):
    with depthkit_scope(), torch.device("meta"):
        model = MODELS.build(make_config(find_model(name))["model"])
    assert sum(value.numel() for value in model.parameters()) == find_model(name).architecture.parameters
