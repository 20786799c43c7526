# ToSA-DeiT-Tiny fine-tuned with token selection on, and the dense model as its teacher: any images, no labels.
# Command: depthkit train tosa_finetune_tiny --cfg-options data_root=/data/images
# Hardware: 2 CPU cores, busy with other work. Time: 20 minutes for 500 images, 2026-11-21.
# Result: top-1 70.4 % on 250 images of other classes, where the dense model has 74.8 % (docs/results.md).
_base_ = [
    "_base_/models/distiller_tosa_tiny.py",
    "_base_/datasets/unlabelled_images.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
max_epochs = 10
teacher = True  # the dense model from timm's hub; without a network the path of a local file
pretrained = teacher  # where the student starts: the dense model, or what tosa_selector_tiny.py saved
# One for each pair of layers, 0.5 on average: the early layers need their tokens most (docs/tosa.md).
keep_rate = (1, 0.7, 0.5, 0.3, 0.25, 0.25)
selection = "shared"  # or "per_head"

train_cfg = dict(max_epochs=max_epochs)
test_cfg = None  # the validation is the measure
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(backbone_mult=0.1, layer_decay=1.0))
default_hooks = dict(checkpoint=dict(save_best="agreement", rule="greater"))
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="ProgressHook"),
    dict(type="KeepRateHook", start=1.0, duration=0.2),
]
model = dict(
    type="TokenDistiller",
    backbone=dict(keep_rate=keep_rate, selection=selection, pretrained=pretrained),
    teacher=dict(type="DeiT", embed_dim=192, num_heads=3, num_classes=1000, pretrained=teacher),
    logits_weight=1.0,
    tokens_weight=1.0,
    layers_weight=0.0,
)
