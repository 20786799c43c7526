# Depth with DeiT-Tiny, learnt from generated rooms and freely licensed RGB-D pairs: a small model.
# Command: depthkit train rooms_deit_tiny --cfg-options data_root=<free_rgbd> cache=<folder>
# Hardware: 2 CPU cores, busy. Time: 70 minutes, 2026-11-21, stopped and resumed (docs/models/rooms-deit-tiny.md).
# Result: protocol full, four real scenes never trained on: abs_rel 0.417, with median scaling 0.253.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/rooms_wide.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
max_epochs = 10
decay_from = 6  # epochs
ema = 0.005
gradient_weight = 2.0
relative_weight = 10.0
train_cfg = dict(max_epochs=max_epochs)
# The rate stays high up to `decay_from`, so that a longer training can start from the middle of a shorter one.
param_scheduler = [
    dict(type="LinearLR", start_factor=0.04, by_epoch=False, end=200),
    dict(
        type="LinearLR", start_factor=1.0, end_factor=0.01, begin=decay_from, end=max_epochs, convert_to_iter_based=True
    ),
]
optim_wrapper = dict(type="BFloat16OptimWrapper")
custom_hooks = [
    *(hook for hook in _base_.custom_hooks if hook["type"] != "EMAHook"),
    dict(type="EMAHook", momentum=ema),
]
model = dict(
    canonical_focal=_base_.canonical_focal,
    backbone=dict(img_size=_base_.img_size, out_indices=(2, 5, 8, 11)),
    # Without the class token the weights take 12.4 MB in half precision; with it 13.
    decode_head=dict(
        readout="ignore",
        losses=[
            dict(type="ScaleInvariantLogLoss"),
            dict(type="RelativeLoss", loss_weight=relative_weight),
            dict(type="GradientLoss", loss_weight=gradient_weight),
        ],
    ),
)
published = dict(
    model="rooms-deit-tiny",
    licence="Apache-2.0",
    licence_note="learnt from Redwood / ICL-NUIM, CC BY 3.0, and TUM RGB-D, CC BY 4.0, among others: NOTICE names them",
    trained_on="generated rooms and 75 freely licensed RGB-D pairs: indoors, 0.3 to 6 m",
)
