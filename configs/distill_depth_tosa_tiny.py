# ToSA-DeiT-Tiny that learns depth from a large model on images without labels.
# Command: depthkit train distill_depth_tosa_tiny --cfg-options data_root=/data/images teacher=depth-anything-v2-small
# Hardware: one CPU core. Time: 4.4 minutes for the images below, 2026-11-21.
# Result: not yet run on many images. On 400 at 112x144 (docs/distillation.md), from our dense model with metric=True:
# abs_rel 0.242; trained alone on the teacher's pairs 0.260.
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
# Focal length [px], with metric: of the camera that all crops are taken to come from, NYU's. Teachers answer for it;
# the student's metres are those of this camera times fx / canonical_focal. None: for teachers that follow no camera.
canonical_focal = 518.8579 * max(round(_base_.img_size[0] * 640 / 480), _base_.img_size[1]) / 640
gradient_weight = 2.0  # as in Depth Anything V2: a teacher's depth is complete and has sharp edges
keep_rate = 0.5  # fraction of the patches that every second layer processes
selection = "shared"  # or "per_head"

test_cfg = None  # the validation measures the difference to the teacher
default_hooks = dict(checkpoint=dict(save_best="difference", rule="less"))
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="ProgressHook"),
    dict(type="DamagedImagesHook"),
    *([dict(type="EMAHook", momentum=_base_.ema)] if _base_.ema else []),
]
if metric:
    head = dict(max_depth=max_depth)
    losses = [dict(type="ScaleInvariantLogLoss"), dict(type="GradientLoss", loss_weight=gradient_weight)]
else:
    head = dict(min_depth=0.0, max_depth=1.0)  # disparities have no unit: a sigmoid keeps them positive and in a range
    losses = [dict(type="ScaleShiftInvariantLoss"), dict(type="AlignedGradientLoss", loss_weight=gradient_weight)]
model = dict(
    type="DepthDistiller",
    teacher=dict(type="DepthTeacher", model=teacher, weights=teacher_weights),
    output="depth" if metric else "disparity",
    canonical_focal=canonical_focal if metric else None,
    backbone=dict(type="ToSA", keep_rate=keep_rate, selection=selection),
    decode_head=dict(**head, losses=losses),
)
