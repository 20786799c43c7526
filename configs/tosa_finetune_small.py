# ToSA-DeiT-Small fine-tuned with token selection on, and the dense model as its teacher: any images, no labels.
# Command: depthkit train tosa_finetune_small --cfg-options data_root=/data/images
# Hardware and time: not yet run.
# Result: not yet run.
_base_ = "tosa_finetune_tiny.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6), teacher=dict(embed_dim=384, num_heads=6))
