# Depth with the dense DeiT-Tiny: what token selection is compared with.
# Command: depthkit train nyu_deit_tiny --cfg-options data_root=/data/nyu
# Hardware: one CPU core. Time: about 10 minutes for 8 epochs of 384 RGB-D pairs at 224x304, 2026-11-22.
# Result: not yet run on NYU Depth V2. On RGB-D pairs, mean of 5 runs of the study in docs/results.md
# (224x304, 8 epochs of 364 to 384 RGB-D pairs, protocol full): abs_rel 0.139, rmse 0.390 m, d1 0.815.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/nyu.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
model = dict(canonical_focal=_base_.canonical_focal)
