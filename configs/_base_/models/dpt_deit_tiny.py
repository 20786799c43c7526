# Depth in metres: DeiT-Tiny with a DPT decoder of 64 channels.
_base_ = "imagenet_mean_std.py"
pretrained = True  # ImageNet weights from timm's hub; without a network the path of a local file

model = dict(
    type="DepthEstimator",
    data_preprocessor=dict(type="SegDataPreProcessor", bgr_to_rgb=False, size_divisor=1, pad_val=0, seg_pad_val=0),
    backbone=dict(
        type="DeiT",
        embed_dim=192,
        num_heads=3,
        out_indices=(2, 4, 8, 10),  # counted from 0; ToSA updates every token in these layers
        pretrained=pretrained,
    ),
    decode_head=dict(
        type="DPTHead",
        in_channels=(192,) * 4,
        channels=64,
        readout="project",
        min_depth=1e-3,
        max_depth=10.0,
        losses=[dict(type="ScaleInvariantLogLoss"), dict(type="GradientLoss", loss_weight=0.5)],
    ),
    test_cfg=dict(mode="whole", flip=False),
)
