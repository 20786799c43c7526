# Depth with ToSA-DeiT-Small: one half of the tokens for all heads, the fast form.
# Command: depthkit train nyu_tosa_small_shared --cfg-options data_root=/data/nyu
# Hardware and time: not yet run.
# Result: not yet run on NYU Depth V2.
_base_ = "nyu_tosa_tiny_shared.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), decode_head=dict(in_channels=(384,) * 4))
