# EViT-DeiT-Small fine-tuned on ImageNet from DeiT's weights for 30 epochs, with the authors' learning rates.
# Command: depthkit train in1k_evit_small_ft --cfg-options data_root=/data/in1k/train val_root=/data/in1k/val
# Hardware and time: not yet run.
# Result: not yet run on ImageNet.
_base_ = "in1k_evit_tiny_ft.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), cls_head=dict(in_channels=384))
