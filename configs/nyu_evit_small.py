# EViT-DeiT-Small: patches that the class token does not look at are fused into one token in layers 4, 7 and 10.
# python tools/train.py configs/nyu_evit_small.py --cfg-options data_root=/data/nyu
# Hardware, time and result: not yet run.
_base_ = ["_base_/nyu.py", "_base_/runtime.py"]
pretrained = True  # ImageNet weights from timm's hub; without a network the path of a local file
keep_rate = 0.8  # of the patches, in layers 4, 7 and 10; the MACs of nyu_tosa_small_shared.py

model = dict(
    type="DepthEstimator",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        size_divisor=1,
        pad_val=0,
        seg_pad_val=0,
    ),
    backbone=dict(
        type="EViT",
        embed_dim=384,
        num_heads=6,
        num_classes=0,
        keep_rate=keep_rate,
        fuse_token=True,  # and shown on the grid in place of the patches that are in it
        out_indices=(2, 4, 8, 10),  # as in the other configs; counted from 0
        pretrained=pretrained,
    ),
    decode_head=dict(
        type="DPTHead",
        in_channels=(384,) * 4,
        channels=64,
        readout="project",
        min_depth=1e-3,
        max_depth=10.0,
        losses=[dict(type="ScaleInvariantLogLoss"), dict(type="GradientLoss", loss_weight=0.5)],
    ),
    test_cfg=dict(mode="whole", flip=False),
)
