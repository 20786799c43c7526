# Depth with ToSA-DeiT-Small: each head attends to its own half of the tokens (the paper's figure 2).
# Command: depthkit train nyu_tosa_small --cfg-options data_root=/data/nyu
# Hardware and time: not yet run.
# Result: not yet run on NYU Depth V2.
_base_ = "nyu_tosa_tiny.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), decode_head=dict(in_channels=(384,) * 4))
