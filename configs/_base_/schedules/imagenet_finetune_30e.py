# Fine-tuning from DeiT's weights, with the rates of EViT's authors (Liang et al., ICLR 2022): 30 epochs, no warm-up.
_base_ = "imagenet_300e.py"
max_epochs = 30
lr = 4e-5
min_lr_ratio = 0.025
weight_decay = 1e-6

train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=lr, weight_decay=weight_decay))
param_scheduler = [
    dict(
        type="CosineAnnealingLR",
        end=max_epochs,
        T_max=max_epochs,
        eta_min_ratio=min_lr_ratio,
        convert_to_iter_based=True,
    )
]
