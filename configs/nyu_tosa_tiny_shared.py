# Depth with ToSA-DeiT-Tiny: one half of the tokens for all heads, the fast form.
# Command: depthkit train nyu_tosa_tiny_shared --cfg-options data_root=/data/nyu
# Hardware: one CPU core. Time: about 10 minutes for 8 epochs of 384 RGB-D pairs at 224x304, 2026-11-22.
# Result: not yet run on NYU Depth V2. On RGB-D pairs: "Accuracy against time" in docs/results.md.
_base_ = "nyu_tosa_tiny.py"
selection = "shared"
model = dict(backbone=dict(selection=selection))
