# Token selectors for ToSA-DeiT-Tiny: they learn to predict the frozen dense model's next attention maps.
# Any images will do, without labels. ToSA(pretrained=...) and tosa_finetune_tiny.py read what is saved.
# Command: depthkit train tosa_selector_tiny --cfg-options data_root=/data/images
# Hardware: 2 CPU cores. Time: 2.5 minutes for 500 images, 2026-11-21.
# Result: the KL divergence from the true next map falls from 1.82 (the current map) to 0.85 on 250 images of other
# classes.
_base_ = [
    "_base_/models/distiller_tosa_tiny.py",
    "_base_/datasets/unlabelled_images.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
max_epochs = 5
pretrained = True  # the dense model from timm's hub; without a network the path of a local file
keep_rate = 0.5  # the validation measures how many of the true map's tokens are found at this rate
selection = "per_head"  # or "shared"; the training is the same

train_cfg = dict(max_epochs=max_epochs)
test_cfg = None  # the validation is the measure
optim_wrapper = dict(optimizer=dict(lr=1e-2, weight_decay=0.0))
default_hooks = dict(checkpoint=dict(save_best="kl", rule="less"))
custom_hooks = [dict(type="CheckInvalidLossHook"), dict(type="ProgressHook")]
model = dict(
    type="SelectorDistiller",
    backbone=dict(keep_rate=keep_rate, selection=selection, pretrained=pretrained),
    num_rows=32,
)
