# Depth and ImageNet classes from one pass of a DeiT-Tiny: its ImageNet weights are frozen, so the classes stay those
# of the classifier, and a decoder learns depth on top.
# python tools/train.py configs/depth_and_classes_tiny.py --cfg-options data_root=/data/nyu
# python tools/predict.py photo.jpg --classes --config configs/depth_and_classes_tiny.py --checkpoint w.pth --out out
# Hardware, time and result: not yet run on NYU Depth V2.
_base_ = ["_base_/nyu.py", "_base_/runtime.py"]
pretrained = True  # ImageNet weights, classifier included, from timm's hub; or the path of a local file
freeze_backbone = True  # False: better depth, and classes that are forgotten

model = dict(
    type="DepthClassifier",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        size_divisor=1,
        pad_val=0,
        seg_pad_val=0,
    ),
    backbone=dict(type="DeiT", embed_dim=192, num_heads=3, out_indices=(2, 4, 8, 10)),
    cls_head=dict(type="ClsHead", in_channels=192),
    pretrained=pretrained,
    freeze_backbone=freeze_backbone,
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
