# Depth with EViT-DeiT-Small: layers 4, 7 and 10 fuse the patches that the class token attends to least.
# Command: depthkit train nyu_evit_small --cfg-options data_root=/data/nyu
# Hardware and time: not yet run.
# Result: not yet run on NYU Depth V2.
_base_ = "nyu_evit_tiny.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), decode_head=dict(in_channels=(384,) * 4))
