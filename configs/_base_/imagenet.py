# ImageNet-1k and DeiT's training (Touvron et al., ICML 2021): 300 epochs, AdamW, RandAugment, random erasing, Mixup,
# CutMix, label smoothing, repeated augmentation, stochastic depth (in the model). Rates are those of 1024 pictures in
# a batch, scaled to batch_size times the number of processes.
data_root = "data/imagenet/train"  # a folder for each wnid; part of the classes will do
val_root = "data/imagenet/val"  # the same, or with val_list a flat folder
train_list = None  # list of the pictures to take: part of data_root
val_list = None  # list with the ground truth of a flat folder; docs/imagenet.md has the forms
hold_out_every = None  # 3: val_root is the same as data_root, and every third class is held out for it
img_size = 224  # side [px] of pictures; the evaluation resizes to 1 / 0.875 of it and cuts out the middle
batch_size = 256
workers = 8
allow_unreadable = False  # leave out pictures that cannot be read, in training too

max_epochs = 300
warmup_epochs = 5
lr = 1e-3
min_lr_ratio = 0.01
weight_decay = 0.05
num_repeats = 3  # views of a picture in one epoch, which is of a third of them then
ema = None  # 4e-5 (DeiT's, for 300 epochs) keeps an average of the weights, which is then tested and saved

train_pipeline = [
    dict(type="TimmTransform", img_size=img_size, is_training=True, auto_augment="rand-m9-mstd0.5-inc1"),
    dict(type="PackClassInputs"),
]
test_pipeline = [dict(type="TimmTransform", img_size=img_size), dict(type="PackClassInputs")]

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=workers,
    persistent_workers=workers > 0,
    drop_last=True,
    sampler=dict(type="RepeatAugSampler", num_repeats=num_repeats),
    dataset=dict(
        type="ImageNet",
        data_root=data_root,
        ann_file=train_list,
        split="train" if hold_out_every else "all",
        hold_out_every=hold_out_every,
        decode_size=int(1.5 * img_size),
        allow_unreadable=allow_unreadable,
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=batch_size,
    num_workers=workers,
    persistent_workers=workers > 0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="ImageNet",
        data_root=val_root,
        ann_file=val_list,
        split="val" if hold_out_every else "all",
        hold_out_every=hold_out_every,
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_evaluator = dict(type="Accuracy")
val_dataloader = test_dataloader
val_evaluator = test_evaluator

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

runner_type = "DepthRunner"
default_scope = "depthkit"
randomness = dict(seed=0)
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0))
log_processor = dict(by_epoch=True)
find_unused_parameters = True  # ToSA's selectors where keep_rate is 1
