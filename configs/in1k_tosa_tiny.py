# ImageNet classes with ToSA-DeiT-Tiny: DeiT's 300 epochs, or a test of its weights with token selection.
# Command: depthkit train in1k_tosa_tiny --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# Or: depthkit test weights.safetensors --config in1k_tosa_tiny --cfg-options val_root=/data/in1k/val
# Hardware and time: not yet run.
# Result: not yet run on ImageNet.
_base_ = [
    "_base_/models/classifier_deit_tiny.py",
    "_base_/datasets/imagenet.py",
    "_base_/schedules/imagenet_300e.py",
    "default_runtime.py",
]
# Fraction of the patches that every second layer processes, one for each pair of layers: 0.5 on average. The early
# layers need their tokens most (docs/tosa.md). One number is the same for all.
keep_rate = (1, 0.7, 0.5, 0.3, 0.25, 0.25)
selection = "shared"  # or "per_head": each head has its own tokens (the paper's figure 2)
model = dict(
    backbone=dict(
        type="ToSA",
        img_size=_base_.img_size,
        keep_rate=keep_rate,
        selection=selection,
        cls_token_weight=0.5,  # the class token's row counts as much as all others together in the importance
    )
)
