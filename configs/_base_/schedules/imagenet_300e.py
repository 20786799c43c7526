# DeiT's training on ImageNet (Touvron et al., ICML 2021): 300 epochs, AdamW, cosine after a linear warm-up. The
# learning rate is for 1024 images in a batch and is scaled to batch_size times the number of processes.
max_epochs = 300
warmup_epochs = 5
lr = 1e-3
min_lr_ratio = 0.01
weight_decay = 0.05
ema = None  # 4e-5 (DeiT's, for 300 epochs) keeps an average of the weights, which is then tested and saved

train_cfg = dict(type="TrainLoop", max_epochs=max_epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type="OptimWrapper",
    constructor="LayerDecayOptimWrapperConstructor",
    optimizer=dict(type="AdamW", lr=lr, weight_decay=weight_decay),
)
param_scheduler = [
    *(
        [dict(type="LinearLR", start_factor=1e-3, end=warmup_epochs, convert_to_iter_based=True)]
        if warmup_epochs
        else []
    ),
    dict(
        type="CosineAnnealingLR",
        eta_min_ratio=min_lr_ratio,
        begin=warmup_epochs,
        end=max_epochs,
        T_max=max_epochs - warmup_epochs,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=1024, enable=True)

default_hooks = dict(
    logger=dict(type="LoggerHook", interval=50),
    checkpoint=dict(type="AtomicCheckpointHook", interval=1, max_keep_ckpts=2, save_best="top1", rule="greater"),
)
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="ProgressHook"),
    *([dict(type="EMAHook", momentum=ema)] if ema else []),
]
