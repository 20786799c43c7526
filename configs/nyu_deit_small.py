# Depth with the dense DeiT-Small: what token selection is compared with.
# Command: depthkit train nyu_deit_small --cfg-options data_root=/data/nyu
# Hardware and time: not yet run.
# Result: not yet run on NYU Depth V2.
_base_ = "nyu_deit_tiny.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), decode_head=dict(in_channels=(384,) * 4))
