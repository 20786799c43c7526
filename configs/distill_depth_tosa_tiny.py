# ToSA-DeiT-Tiny that learns depth from a large model on images without labels.
# Command: depthkit train distill_depth_tosa_tiny --cfg-options data_root=/data/images teacher=depth-anything-v2-small
# Hardware and time: not yet run at scale; docs/distillation.md has what was measured.
# Result: not yet run.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/images_for_depth.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
teacher = "depth-anything-v2-small"  # a published model (`depthkit models`), or the path of a checkpoint of depthkit
teacher_weights = None  # a file of the published model; None: from the hub
metric = False  # True: learn metres, from a teacher that gives them
max_depth = 10.0  # [m], with metric: the model predicts nothing farther
canonical_focal = None  # [px], with metric: of the teacher's camera in the crops (docs/distillation.md)
keep_rate = 0.5  # fraction of the patches that every second layer processes
selection = "shared"  # or "per_head"

test_cfg = None  # the validation measures the difference to the teacher
default_hooks = dict(checkpoint=dict(save_best="difference", rule="less"))
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="ProgressHook"),
    dict(type="DamagedImagesHook"),
    dict(type="KeepRateHook", start=1.0, duration=0.2),
    *([dict(type="EMAHook", momentum=_base_.ema)] if _base_.ema else []),
]
# Disparities have no unit: a sigmoid keeps them positive and in a range.
aligned = [dict(type="ScaleShiftInvariantLoss"), dict(type="AlignedGradientLoss", loss_weight=0.5)]
model = dict(
    type="DepthDistiller",
    teacher=dict(type="DepthTeacher", model=teacher, weights=teacher_weights),
    output="depth" if metric else "disparity",
    canonical_focal=canonical_focal,
    backbone=dict(type="ToSA", keep_rate=keep_rate, selection=selection),
    decode_head=dict(max_depth=max_depth) if metric else dict(min_depth=0.0, max_depth=1.0, losses=aligned),
)
