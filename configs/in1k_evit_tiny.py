# EViT-DeiT-Tiny on ImageNet-1k from scratch (Liang et al., ICLR 2022): DeiT's 300 epochs, in which the keep rate
# falls from 1 on a cosine, as in the authors' run; or DeiT's weights to be tested with fewer tokens.
# python tools/train.py configs/in1k_evit_tiny.py --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# python tools/test.py configs/in1k_evit_tiny.py weights.safetensors --cfg-options val_root=/data/in1k/val
# Hardware, time and result: not yet run on ImageNet.
_base_ = "_base_/imagenet.py"
pretrained = None  # True: DeiT's weights from timm's hub; or the path of a local file
img_size = 224
keep_rate = 0.7  # part of the patches that layers 4, 7 and 10 keep
fuse_token = True  # the others become one token; False: they are dropped
annealing = (0.033, 0.367)  # the parts of the training (epochs 10 and 110) between which the keep rate falls from 1
ema = None  # 4e-5 keeps an average of the weights, which is then tested and saved
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
        type="EViT",
        embed_dim=192,
        num_heads=3,
        num_classes=0,
        img_size=img_size,
        drop_path_rate=drop_path,
        keep_rate=keep_rate,
        fuse_token=fuse_token,
    ),
    cls_head=dict(type="ClsHead", in_channels=192),
    pretrained=pretrained,
)
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="ProgressHook"),
    *([dict(type="KeepRateHook", warmup=annealing[0], duration=annealing[1])] if annealing else []),
    *([dict(type="EMAHook", momentum=ema)] if ema else []),
]
