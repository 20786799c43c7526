# ImageNet classes with EViT-DeiT-Tiny (Liang et al., ICLR 2022): DeiT's 300 epochs, or a test of its weights.
# Command: depthkit train in1k_evit_tiny --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# Or: depthkit test weights.safetensors --config in1k_evit_tiny --cfg-options val_root=/data/in1k/val
# Hardware and time: not yet run.
# Result: not yet run on ImageNet.
_base_ = [
    "_base_/models/classifier_deit_tiny.py",
    "_base_/datasets/imagenet.py",
    "_base_/schedules/imagenet_300e.py",
    "default_runtime.py",
]
keep_rate = 0.7  # fraction of the patches that layers 4, 7 and 10 keep
fuse_token = True  # the others become one token; False: they are dropped
# Fractions of the training between which the keep rate falls from 1: epochs 10 to 110, as in the authors' run.
annealing = (0.033, 0.367)
model = dict(
    backbone=dict(type="EViT", num_classes=0, img_size=_base_.img_size, keep_rate=keep_rate, fuse_token=fuse_token)
)
custom_hooks = [
    *_base_.custom_hooks,
    *([dict(type="KeepRateHook", warmup=annealing[0], duration=annealing[1])] if annealing else []),
]
