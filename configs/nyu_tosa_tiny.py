# Depth with ToSA-DeiT-Tiny: each head attends to its own half of the tokens (the paper's figure 2).
# Command: depthkit train nyu_tosa_tiny --cfg-options data_root=/data/nyu
# Hardware: one CPU core. Time: about 10 minutes for 8 epochs of 384 RGB-D pairs at 224x304, 2026-11-22.
# Result: not yet run on NYU Depth V2. On RGB-D pairs: "Accuracy against time" in docs/results.md.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/nyu.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
keep_rate = 0.5  # fraction of the patches that every second layer processes
selection = "per_head"  # or "shared": one set of tokens for all heads, the fast form
model = dict(
    canonical_focal=_base_.canonical_focal,
    backbone=dict(type="ToSA", keep_rate=keep_rate, selection=selection),
)
