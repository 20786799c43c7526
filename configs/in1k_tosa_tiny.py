# ToSA-DeiT-Tiny on ImageNet-1k: DeiT's 300 epochs with token selection; or DeiT's weights to be tested with it.
# python tools/train.py configs/in1k_tosa_tiny.py --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# python tools/test.py configs/in1k_tosa_tiny.py weights.safetensors --cfg-options val_root=/data/in1k/val
# Hardware, time and result: not yet run on ImageNet.
_base_ = "_base_/imagenet.py"
pretrained = None  # True: DeiT's weights from timm's hub; or the path of a local file
img_size = 224
# Part of the patches that attend in every second layer: 0.5 on average. The early layers need theirs most
# (docs/tosa.md); one number is the same for all.
keep_rate = (1, 0.7, 0.5, 0.3, 0.25, 0.25)
selection = "shared"  # or "per_head": each head has its own tokens (the paper's figure 2)
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
    backbone=dict(
        type="ToSA",
        embed_dim=192,
        num_heads=3,
        img_size=img_size,
        drop_path_rate=drop_path,
        keep_rate=keep_rate,
        selection=selection,
        cls_token_weight=0.5,  # the class token's row weighs as much as all the others in the importance
    ),
    cls_head=dict(type="ClsHead", in_channels=192),
    pretrained=pretrained,
)
