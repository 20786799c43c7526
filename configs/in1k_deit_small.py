# DeiT-Small on ImageNet-1k, the dense baseline: DeiT's 300 epochs, or its weights to be tested.
# python tools/train.py configs/in1k_deit_small.py --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# python tools/test.py configs/in1k_deit_small.py weights.safetensors --cfg-options val_root=/data/in1k/val
# Hardware, time and result: not yet run on ImageNet.
_base_ = "_base_/imagenet.py"
pretrained = None  # True: DeiT's weights from timm's hub; or the path of a local file
img_size = 224
drop_path = 0.1  # stochastic depth

model = dict(
    type="Classifier",
    data_preprocessor=dict(
        type="ClassPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        erase_prob=0.25,
        mixup=dict(mixup_alpha=0.8, cutmix_alpha=1.0, label_smoothing=0.1, num_classes=1000),
    ),
    backbone=dict(type="DeiT", embed_dim=384, num_heads=6, img_size=img_size, drop_path_rate=drop_path),
    cls_head=dict(type="ClsHead", in_channels=384),
    pretrained=pretrained,
)
