# ImageNet classes with DeiT-Small, the dense baseline: DeiT's 300 epochs, or a test of its weights.
# Command: depthkit train in1k_deit_small --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# Or: depthkit test weights.safetensors --config in1k_deit_small --cfg-options val_root=/data/in1k/val
# Hardware and time: not yet run.
# Result: not yet run on ImageNet.
_base_ = "in1k_deit_tiny.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), cls_head=dict(in_channels=384))
