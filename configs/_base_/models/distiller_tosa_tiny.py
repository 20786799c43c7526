# A ToSA-DeiT-Tiny that learns from the dense model, without labels.
_base_ = "imagenet_mean_std.py"

model = dict(
    data_preprocessor=dict(type="SegDataPreProcessor", bgr_to_rgb=False, size_divisor=1),
    backbone=dict(type="ToSA", embed_dim=192, num_heads=3, num_classes=1000, cls_token_weight=0.5),
)
