# Token selectors for ToSA-DeiT-Small: they learn to predict the frozen dense model's next attention maps.
# Any images will do, without labels. ToSA(pretrained=...) and tosa_finetune_small.py read what is saved.
# Command: depthkit train tosa_selector_small --cfg-options data_root=/data/images
# Hardware and time: not yet run.
# Result: not yet run.
_base_ = "tosa_selector_tiny.py"
model = dict(backbone=dict(embed_dim=384, num_heads=6))
