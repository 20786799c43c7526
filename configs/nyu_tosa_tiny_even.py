# Depth with ToSA-DeiT-Tiny: all layers but the first on an even half of the patches, which the others follow.
# Command: depthkit train nyu_tosa_tiny_even --cfg-options data_root=/data/nyu
# Hardware: 2 CPU cores. Time: about 8 minutes for 8 epochs of 384 RGB-D pairs at 224x304 on one core, 2026-11-22.
# Result: not yet run on NYU Depth V2. On RGB-D pairs: "Accuracy against time" in docs/results.md.
_base_ = "nyu_tosa_tiny_shared.py"
model = dict(
    backbone=dict(importance="even", skipped="similar", selective_layers=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
)
