# 20 epochs of AdamW with layer-wise learning rates on one cycle; validation and a checkpoint after each epoch.
max_epochs = 20
schedule = "one_cycle"  # or "cosine", after 200 iterations of warm-up
ema = None  # 0.001 keeps an exponential moving average of the weights, which is then tested and saved

train_cfg = dict(type="TrainLoop", max_epochs=max_epochs)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(
    type="OptimWrapper",
    constructor="LayerDecayOptimWrapperConstructor",
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.05),
    paramwise_cfg=dict(backbone_mult=0.4, layer_decay=0.75),
    clip_grad=dict(max_norm=1.0),
)
# The loop gives the number of steps; the optimizer gives the peak learning rate of each parameter group.
if schedule == "one_cycle":
    param_scheduler = dict(type="OneCycleLR", pct_start=0.25, div_factor=25.0, final_div_factor=100.0)
elif schedule == "cosine":
    param_scheduler = [
        dict(type="LinearLR", start_factor=0.04, by_epoch=False, end=200),
        dict(type="CosineAnnealingLR", eta_min_ratio=0.01, by_epoch=False),
    ]
else:
    raise ValueError(f"schedule={schedule!r}: expected one_cycle or cosine")
auto_scale_lr = dict(base_batch_size=8, enable=False)

default_hooks = dict(
    logger=dict(type="LoggerHook", interval=20),
    checkpoint=dict(type="AtomicCheckpointHook", interval=1, max_keep_ckpts=2, save_best="abs_rel", rule="less"),
)
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="ProgressHook"),
    dict(type="DepthVisualizationHook", num_images=4, depth_range=(0.0, 10.0)),
    *([dict(type="EMAHook", momentum=ema)] if ema else []),
]
