# ImageNet classes with DeiT-Tiny, the dense baseline: DeiT's 300 epochs, or a test of its weights.
# Command: depthkit train in1k_deit_tiny --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# Or: depthkit test weights.safetensors --config in1k_deit_tiny --cfg-options val_root=/data/in1k/val
# Hardware and time: not yet run.
# Result: not yet run on ImageNet.
_base_ = [
    "_base_/models/classifier_deit_tiny.py",
    "_base_/datasets/imagenet.py",
    "_base_/schedules/imagenet_300e.py",
    "default_runtime.py",
]
model = dict(backbone=dict(img_size=_base_.img_size))
