# ImageNet classes: DeiT-Tiny with its linear head.
_base_ = "imagenet_mean_std.py"
pretrained = None  # True: DeiT's weights from timm's hub; or the path of a local file
drop_path = 0.1  # rate of stochastic depth

model = dict(
    type="Classifier",
    data_preprocessor=dict(
        type="ClassPreProcessor",
        erase_prob=0.25,
        mixup=dict(mixup_alpha=0.8, cutmix_alpha=1.0, label_smoothing=0.1, num_classes=1000),
    ),
    backbone=dict(type="DeiT", embed_dim=192, num_heads=3, drop_path_rate=drop_path),
    cls_head=dict(type="ClsHead", in_channels=192),
    pretrained=pretrained,
)
