# Depth with ToSA-DeiT-Tiny: one half of the tokens for all heads, the fast form.
# Command: depthkit train nyu_tosa_tiny_shared --cfg-options data_root=/data/nyu
# Hardware: 2 CPU cores. Time: about 10 minutes for the RGB-D pairs below, 2026-11-21.
# Result: not yet run on NYU Depth V2. On the RGB-D pairs of docs/results.md (224x304, 6 epochs, protocol full):
# abs_rel 0.155, rmse 0.425 m, d1 0.768.
_base_ = "nyu_tosa_tiny.py"
selection = "shared"
model = dict(backbone=dict(selection=selection))
