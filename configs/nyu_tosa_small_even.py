# Depth with ToSA-DeiT-Small: all layers but the first on an even half of the patches, which the others follow.
# Command: depthkit train nyu_tosa_small_even --cfg-options data_root=/data/nyu
# Hardware and time: not yet run.
# Result: not yet run on NYU Depth V2.
_base_ = "nyu_tosa_tiny_even.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), decode_head=dict(in_channels=(384,) * 4))
