# ToSA-DeiT-Tiny, fine-tuned with token selection on and the dense model as teacher: any pictures, no labels.
# python tools/train.py configs/tosa_finetune_tiny.py --cfg-options data_root=/data/pictures
# Hardware, time and result: 2 CPU cores, 500 pictures, 20 minutes beside other work, 2026-11-21: top-1 70.4 on 250
# pictures of other classes, where the dense model has 74.8 (docs/tosa.md).
_base_ = ["_base_/pictures.py", "_base_/runtime.py"]
max_epochs = 10
teacher = True  # the dense model from timm's hub; without a network the path of a local file
pretrained = teacher  # the student's start: the dense model, or what tosa_selector_tiny.py has saved
# One for each pair of layers, 0.5 on average: the early layers need their tokens most (docs/tosa.md).
keep_rate = (1, 0.7, 0.5, 0.3, 0.25, 0.25)
selection = "shared"  # or "per_head"

train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(backbone_mult=0.1, layer_decay=1.0))
default_hooks = dict(checkpoint=dict(save_best="agreement", rule="greater"))
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="ProgressHook"),
    dict(type="KeepRateHook", start=1.0, duration=0.2),
]
test_cfg = None  # measured by the validation

dense = dict(embed_dim=192, num_heads=3, num_classes=1000)
model = dict(
    type="TokenDistiller",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        size_divisor=1,
    ),
    backbone=dict(
        type="ToSA",
        **dense,
        keep_rate=keep_rate,
        selection=selection,
        cls_token_weight=0.5,
        pretrained=pretrained,
    ),
    teacher=dict(type="DeiT", **dense, pretrained=teacher),
    logits_weight=1.0,
    tokens_weight=1.0,
    layers_weight=0.0,
)
