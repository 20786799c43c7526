# Depth with the dense DeiT-Tiny: what token selection is compared with.
# Command: depthkit train nyu_deit_tiny --cfg-options data_root=/data/nyu
# Hardware: 2 CPU cores. Time: about 10 minutes for the RGB-D pairs below, 2026-11-21.
# Result: not yet run on NYU Depth V2. On the RGB-D pairs of docs/results.md (224x304, 6 epochs, protocol full):
# abs_rel 0.132, rmse 0.368 m, d1 0.813.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/nyu.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
model = dict(canonical_focal=_base_.canonical_focal)
