# Images without labels: any folder, searched with its subfolders. Every third folder in it is held out.
data_root = "data/imagenet/train"
hold_out_every = 3  # every third subfolder (class, scene) is for validation; with fewer subfolders every third image
img_size = (224, 224)  # height and width [px] of the crops; in validation they come from the center
resized = tuple(round(side / 0.875) for side in img_size)  # images are resized to cover this, then cropped
batch_size = 20
workers = 2

train_pipeline = [
    dict(type="ResizeRGBD", size=resized, mode="cover"),
    dict(type="RandomCropRGBD", size=img_size),
    dict(type="RandomZoom", scale=(1.0, 1.6), prob=0.8),
    dict(type="RandomFlipRGBD", prob=0.5),
    dict(type="ColorJitter", brightness=0.3, contrast=0.3, saturation=0.3, hue=0.0, prob=0.8),
    dict(type="PackDepthInputs"),
]
val_pipeline = [
    dict(type="ResizeRGBD", size=resized, mode="cover"),
    dict(type="CenterCrop", crop_size=img_size[::-1]),
    dict(type="PackDepthInputs"),
]

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=workers,
    persistent_workers=workers > 0,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        type="ImageFolder", data_root=data_root, split="train", hold_out_every=hold_out_every, pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    batch_size=batch_size,
    num_workers=workers,
    persistent_workers=workers > 0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="ImageFolder", data_root=data_root, split="val", hold_out_every=hold_out_every, pipeline=val_pipeline
    ),
)
val_evaluator = dict(type="SampleMeans")
