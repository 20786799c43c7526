import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from depthkit.errors import InputError
from depthkit.models.estimators import depth_estimator
from depthkit.registry import MODELS

BACKBONES = {
    "DeiT": dict(type="DeiT"),
    "EViT": dict(type="EViT", num_classes=0),
    "EViT unfused": dict(type="EViT", num_classes=0, fuse_token=False),
    "ToSA per_head": dict(type="ToSA", selection="per_head"),
    "ToSA shared": dict(type="ToSA", selection="shared"),
}
MIT = dict(type="mmseg.MixVisionTransformer", embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 4, 8])
PREPROCESSOR = dict(type="SegDataPreProcessor", mean=[124, 116, 104], std=[58, 57, 57], pad_val=0, seg_pad_val=0)


def build(backbone="ToSA shared", **kwargs):
    torch.manual_seed(0)
    vit = dict(img_size=64, embed_dim=24, depth=4, num_heads=3, out_indices=(0, 1, 2, 3))
    return MODELS.build(
        dict(
            type="DepthEstimator",
            data_preprocessor=PREPROCESSOR,
            backbone=BACKBONES[backbone] | vit if isinstance(backbone, str) else backbone,
            decode_head=dict(type="DPTHead", in_channels=[24] * 4, channels=8),
        )
        | kwargs
    )


def sample(height, width, **meta):
    return SegDataSample(gt_depth_map=PixelData(data=torch.rand(1, height, width) * 5), metainfo=meta)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("size", [(64, 64), (37, 51), (16, 90)])
def test_tensor_mode_gives_depth_at_the_images_size(backbone, size):
    model = build(backbone).eval()
    with torch.no_grad():
        depth = model(torch.randn(2, 3, *size))
    assert depth.shape == (2, 1, *size)
    assert depth.min() >= 1e-3 and depth.max() <= 10


@pytest.mark.parametrize("backbone", BACKBONES)
def test_loss_mode_trains_every_parameter(backbone):
    model = build(backbone).train()
    losses = model(torch.randn(2, 3, 64, 48), [sample(64, 48), sample(64, 48)], mode="loss")
    assert set(losses) == {"loss_silog"} | ({"loss_selector"} if "ToSA" in backbone else set())
    sum(losses.values()).backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert without == {"backbone.norm.weight", "backbone.norm.bias"}  # maps are taken before the final norm


def test_a_ground_truth_of_another_size_is_an_error():
    with pytest.raises(InputError, match="images of 64 x 48 px and depth of 32 x 48 px; expected one size"):
        build()(torch.randn(1, 3, 64, 48), [sample(32, 48)], mode="loss")


def test_a_ground_truth_beyond_the_range_is_told_once(monkeypatch):
    told = []
    monkeypatch.setattr(depth_estimator, "print_log", lambda text, *_, **__: told.append(text))
    model = build().train()
    far = SegDataSample(gt_depth_map=PixelData(data=torch.full((1, 64, 64), 25.0)))
    far.gt_depth_map.data[0, 0, 0] = 5
    for _ in range(2):
        model(torch.randn(1, 3, 64, 64), [far], mode="loss")
    build().train()(torch.randn(1, 3, 64, 64), [sample(64, 64)], mode="loss")
    assert len(told) == 1
    assert "is 25 m, beyond the model's max_depth=10 m; correct depth_scale" in told[0]


def test_test_step_gives_metres_at_the_original_size():
    model = build().eval()
    image = torch.randint(0, 255, (3, 36, 48), dtype=torch.uint8)
    data = sample(72, 96, ori_shape=(72, 96), img_shape=(36, 48))
    with torch.no_grad():
        [result] = model.test_step(dict(inputs=[image], data_samples=[data]))
    assert result.pred_depth_map.data.shape == (1, 72, 96)
    assert result.pred_depth_map.data.dtype == torch.float32
    assert result.gt_depth_map.data.shape == (1, 72, 96)


def test_predict_removes_the_padding_of_a_batch():
    model = build().eval()
    images = torch.randn(1, 3, 32, 48)
    alone = model.predict(images, [sample(32, 48, ori_shape=(32, 48), img_shape=(32, 48))])
    padded = torch.nn.functional.pad(images, (0, 16, 0, 32))
    cropped = model.predict(padded, [sample(32, 48, ori_shape=(32, 48), img_shape=(32, 48))])
    assert alone[0].pred_depth_map.data.shape == cropped[0].pred_depth_map.data.shape


def test_flip_averaging_is_the_mean_of_both():
    images = torch.randn(1, 3, 64, 64)
    plain, flipped = build().eval(), build(test_cfg=dict(flip=True)).eval()
    with torch.no_grad():
        expected = (plain(images) + plain(images.flip(-1)).flip(-1)) / 2
        [result] = flipped(images, mode="predict")
    torch.testing.assert_close(result.pred_depth_map.data, expected[0])


def test_a_window_as_large_as_the_image_is_whole_prediction():
    images = torch.randn(1, 3, 48, 64)
    slide = build(test_cfg=dict(mode="slide", crop_size=(48, 64), stride=(32, 32))).eval()
    with torch.no_grad():
        [result] = slide(images, mode="predict")
        torch.testing.assert_close(result.pred_depth_map.data, build().eval()(images)[0])


def test_windows_are_averaged_where_they_overlap():
    images = torch.randn(1, 3, 48, 80)
    model = build(test_cfg=dict(mode="slide", crop_size=(48, 48), stride=(48, 32))).eval()
    with torch.no_grad():
        [result] = model(images, mode="predict")
        left, right = model(images[..., :48])[0], model(images[..., 32:])[0]
    depth = result.pred_depth_map.data
    torch.testing.assert_close(depth[..., :32], left[..., :32])
    torch.testing.assert_close(depth[..., 32:48], (left[..., 32:] + right[..., :16]) / 2)
    torch.testing.assert_close(depth[..., 48:], right[..., 16:])


@pytest.mark.parametrize(
    ("test_cfg", "message"),
    [
        (dict(mode="tiles"), "mode='tiles'"),
        (dict(mode="slide"), "needs crop_size"),
        (dict(mode="slide", crop_size=(32, 32), stride=(64, 32)), "pixels would be missed"),
        (dict(flop=True), "unknown flop"),
        (dict(flip=1.5), "test_cfg: flip=1.5: expected True or False"),
        (dict(mode="slide", crop_size=(32, 0.5), stride=(32, 32)), r"crop_size\[1\]=0.5: expected a whole number"),
    ],
)
def test_bad_test_cfg_is_named(test_cfg, message):
    with pytest.raises(InputError, match=message):
        build(test_cfg=test_cfg)


def camera(focal: float) -> np.ndarray:
    return np.array([[focal, 0, 32], [0, 7.0, 24], [0, 0, 1]])


def test_with_a_canonical_camera_twice_the_focal_length_is_twice_the_metres():
    plain, model = build().eval(), build(canonical_focal=50.0).eval()
    images = torch.randn(2, 3, 48, 64)
    with torch.no_grad():
        expected = plain(images)
        torch.testing.assert_close(model(images), expected)
        same, twice = model.predict(images, [sample(48, 64, intrinsics=camera(f)) for f in (50.0, 100.0)])
    torch.testing.assert_close(same.pred_depth_map.data, expected[0])
    torch.testing.assert_close(twice.pred_depth_map.data, 2 * expected[1])


def test_with_a_canonical_camera_the_loss_does_not_depend_on_the_focal_length():
    model = build(canonical_focal=50.0).eval()
    images, losses = torch.randn(2, 3, 48, 64), []
    truth = [torch.rand(1, 48, 64) + 0.5 for _ in images]
    for focal, factor in ((50.0, 1), (100.0, 2), (25.0, 0.5)):
        samples = [sample(48, 64, intrinsics=camera(focal)) for _ in images]
        for one, depth in zip(samples, truth, strict=True):
            one.gt_depth_map = PixelData(data=factor * depth)
        losses.append(model.loss(images, samples)["loss_silog"])
    torch.testing.assert_close(losses[1:], losses[:1] * 2)
    assert losses[0] == build().eval().loss(images, samples_of(truth))["loss_silog"]


def samples_of(truth: list[torch.Tensor]) -> list[SegDataSample]:
    return [SegDataSample(gt_depth_map=PixelData(data=depth)) for depth in truth]


@pytest.mark.parametrize("mode", ["loss", "predict"])
def test_a_canonical_camera_needs_intrinsics(mode):
    samples = [sample(48, 64, intrinsics=camera(50.0)), sample(48, 64, img_path="b/rgb_1.jpg")]
    with pytest.raises(InputError, match="b/rgb_1.jpg: has no intrinsics"):
        build(canonical_focal=50.0)(torch.randn(2, 3, 48, 64), samples, mode=mode)


SWIN = dict(type="mmseg.SwinTransformer", embed_dims=12, depths=(1, 1, 1, 1), num_heads=(1, 2, 3, 4), window_size=4)


@pytest.mark.parametrize(("backbone", "channels"), [(SWIN, [12, 24, 48, 96]), (MIT, [8, 16, 32, 64])])
@pytest.mark.filterwarnings("ignore")
def test_mmseg_backbones_feed_the_depth_model(backbone, channels):
    model = build(
        backbone=backbone,
        size_divisor=32,
        decode_head=dict(type="DPTHead", in_channels=channels, channels=8, scales=(1, 1, 1, 1), readout="ignore"),
    )
    losses = model(torch.randn(2, 3, 60, 70), [sample(60, 70), sample(60, 70)], mode="loss")
    losses["loss_silog"].backward()
    with torch.no_grad():
        assert model.eval()(torch.randn(1, 3, 60, 70)).shape == (1, 1, 60, 70)


def test_state_dict_keys_of_a_foreign_backbone_are_its_own():
    model = build(backbone=MIT, decode_head=dict(type="DPTHead", in_channels=[8, 16, 32, 64], readout="ignore"))
    own = {f"backbone.{key}" for key in MODELS.build(MIT).state_dict()}
    assert own == {key for key in model.state_dict() if key.startswith("backbone")}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_neck_takes_the_maps_alone(backbone):
    neck = dict(type="mmseg.Feature2Pyramid", embed_dim=24, rescales=[4, 2, 1, 0.5], norm_cfg=dict(type="BN"))
    model = build(
        backbone,
        neck=neck,
        decode_head=dict(type="DPTHead", in_channels=[24] * 4, channels=8, scales=(1, 1, 1, 1), readout="ignore"),
    )
    model(torch.randn(2, 3, 64, 48), [sample(64, 48)] * 2, mode="loss")["loss_silog"].backward()
    assert all(p.grad is not None for p in model.neck.parameters())
    with torch.no_grad():
        assert model.eval()(torch.randn(1, 3, 60, 70)).shape == (1, 1, 60, 70)


def test_a_backbone_without_out_indices_is_an_error():
    with pytest.raises(InputError, match="out_indices is missing"):
        build(dict(type="DeiT", img_size=64, embed_dim=24, depth=4, num_heads=3))


@pytest.mark.filterwarnings("ignore")
def test_tosa_is_the_backbone_of_an_mmseg_encoder_decoder():
    model = MODELS.build(
        dict(
            type="mmseg.EncoderDecoder",
            backbone=dict(
                type="depthkit.ToSA", img_size=64, embed_dim=24, depth=4, num_heads=3, out_indices=(0, 1, 2, 3)
            ),
            decode_head=dict(
                type="mmseg.FCNHead", in_channels=24, in_index=3, channels=8, num_convs=1, num_classes=5, norm_cfg=None
            ),
            test_cfg=dict(mode="whole"),
        )
    )
    data = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 5, (1, 64, 64))))
    losses = model(torch.randn(1, 3, 64, 64), [data], mode="loss")
    losses["decode.loss_ce"].backward()
    with torch.no_grad():
        assert model.eval()(torch.randn(1, 3, 64, 64)).shape == (1, 5, 4, 4)


ORIGINAL = dict(type="DPTHead", in_channels=[24] * 4, channels=8, level_channels=[4, 6, 8, 10], activation="relu")


@pytest.mark.parametrize("output", ["disparity", "relative_depth"])
def test_an_output_that_is_not_in_metres_is_predicted_and_not_trained(output):
    model = build("DeiT", decode_head=ORIGINAL, output=output)
    with torch.no_grad():
        assert model.eval()(torch.randn(1, 3, 64, 64)).min() >= 0
    with pytest.raises(InputError, match=f"output='{output}': such a model cannot be trained, because .* metres"):
        model.train()(torch.randn(1, 3, 64, 64), [sample(64, 64)], mode="loss")


def test_the_original_form_is_trained_in_metres():
    model = build("DeiT", decode_head=ORIGINAL | dict(activation="range")).train()
    sum(model(torch.randn(1, 3, 64, 64), [sample(64, 64)], mode="loss").values()).backward()
    assert {n for n, p in model.named_parameters() if p.grad is None} == {"backbone.norm.weight", "backbone.norm.bias"}


@pytest.mark.parametrize(
    ("resize", "arguments"),
    [
        ("bilinear", dict(mode="bilinear", align_corners=False)),
        ("bilinear_aligned", dict(mode="bilinear", align_corners=True)),
        ("bicubic", dict(mode="bicubic", align_corners=False)),
    ],
)
def test_the_last_resize_is_the_one_that_was_asked_for(resize, arguments):
    model = build("DeiT", test_cfg=dict(resize=resize)).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        [found] = model.predict(images, [SegDataSample(metainfo=dict(ori_shape=(90, 75), img_shape=(64, 64)))])
        expected = torch.nn.functional.interpolate(model(images), size=(90, 75), **arguments)
    assert torch.equal(found.pred_depth_map.data, expected[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            dict(test_cfg=dict(resize="nearest")),
            "test_cfg: resize='nearest': expected one of 'bilinear', 'bilinear_aligned'",
        ),
        (dict(output="metres"), "output='metres': expected one of"),
        (dict(output="disparity", canonical_focal=500.0), "canonical_focal=500: expected output='depth'"),
    ],
)
def test_outputs_and_resizes_that_do_not_exist(arguments, message):
    with pytest.raises(InputError) as caught:
        build("DeiT", **arguments)
    assert message in str(caught.value)
