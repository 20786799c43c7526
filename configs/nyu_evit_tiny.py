# Depth with EViT-DeiT-Tiny: layers 4, 7 and 10 fuse the patches that the class token attends to least.
# Command: depthkit train nyu_evit_tiny --cfg-options data_root=/data/nyu
# Hardware: one CPU core. Time: about 10 minutes for 8 epochs of 384 RGB-D pairs at 224x304, 2026-11-22.
# Result: not yet run on NYU Depth V2. On RGB-D pairs: "Accuracy against time" in docs/results.md.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/nyu.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
keep_rate = 0.8  # fraction of the patches that layers 4, 7 and 10 keep; costs as many MACs as nyu_tosa_tiny_shared.py
# The fused token is shown at the places of the patches that are in it.
model = dict(
    canonical_focal=_base_.canonical_focal,
    backbone=dict(type="EViT", num_classes=0, keep_rate=keep_rate, fuse_token=True),
)
