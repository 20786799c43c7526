# EViT-DeiT-Tiny fine-tuned from DeiT's weights for 30 epochs (Liang et al., ICLR 2022), with the authors' rates. They
# start at the final keep rate; the cosine over the first epochs is ours (annealing=None: none).
# python tools/train.py configs/in1k_evit_tiny_ft.py --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# Hardware, time and result: not yet run on ImageNet.
_base_ = "_base_/imagenet.py"
max_epochs = 30
lr = 4e-5
min_lr_ratio = 0.025
weight_decay = 1e-6
pretrained = True  # DeiT's weights from timm's hub; without a network the path of a local file
img_size = 224
keep_rate = 0.7  # part of the patches that layers 4, 7 and 10 keep
fuse_token = True  # the others become one token; False: they are dropped
annealing = (0.0, 0.3)  # the parts of the training between which the keep rate falls from 1; None: it does not
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
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=lr, weight_decay=weight_decay))
param_scheduler = [
    dict(
        type="CosineAnnealingLR",
        end=max_epochs,
        T_max=max_epochs,
        eta_min_ratio=min_lr_ratio,
        convert_to_iter_based=True,
    )
]
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="ProgressHook"),
    *([dict(type="KeepRateHook", warmup=annealing[0], duration=annealing[1])] if annealing else []),
    *([dict(type="EMAHook", momentum=ema)] if ema else []),
]
