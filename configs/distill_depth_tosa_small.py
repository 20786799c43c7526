# ToSA-DeiT-Small that learns depth from a large model on images without labels.
# Command: depthkit train distill_depth_tosa_small --cfg-options data_root=/data/images teacher=depth-anything-v2-base
# Hardware and time: not yet run.
# Result: not yet run.
_base_ = "distill_depth_tosa_tiny.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), decode_head=dict(in_channels=(384,) * 4))
