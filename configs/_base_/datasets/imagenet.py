# ImageNet-1k with DeiT's augmentation (Touvron et al., ICML 2021): RandAugment, repeated augmentation; Mixup, CutMix,
# label smoothing and random erasing are in the model's preprocessor.
data_root = "data/imagenet/train"  # one folder for each wnid; some of the classes are enough
val_root = "data/imagenet/val"  # the same, or with val_list a flat folder
train_list = None  # a list of the images to use, when not all of data_root
val_list = None  # a list with the ground truth of a flat folder; docs/imagenet.md has the forms
hold_out_every = None  # 3: val_root is the same as data_root, and every third class is held out for validation
img_size = 224  # side [px] of the images; the evaluation resizes to 1 / 0.875 of it and crops the center
batch_size = 256
workers = 8
allow_unreadable = False  # True: training skips images that cannot be read
num_repeats = 3  # views of an image in one epoch, which has a third of the images then

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
