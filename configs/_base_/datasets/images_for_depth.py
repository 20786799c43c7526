# Images without labels for a model that learns depth from another one. Damaged images are skipped and reported.
_base_ = "unlabelled_images.py"
data_root = "data/images"
hold_out_every = 10
img_size = (288, 384)  # height and width [px] of the crops
resized = tuple(round(side / 0.875) for side in img_size)

train_pipeline = [
    dict(type="ResizeRGBD", size=resized, mode="cover"),
    dict(type="RandomCropRGBD", size=img_size),
    dict(type="RandomZoom", scale=(1.0, 1.6), prob=0.8),
    dict(type="RandomFlipRGBD", prob=0.5),
    dict(type="ColorJitter", brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, prob=0.8),
    dict(type="PackDepthInputs"),
]
val_pipeline = [
    dict(type="ResizeRGBD", size=resized, mode="cover"),
    dict(type="CenterCrop", crop_size=img_size[::-1]),
    dict(type="PackDepthInputs"),
]
# Other images keep their aspect; no side is below the shorter one of the crops.
test_pipeline = [
    dict(type="ResizeToMultiple", size=min(img_size), multiple=16, rule="lower_bound", resampling="antialiased"),
    dict(type="PackDepthInputs"),
]
folder = dict(data_root=data_root, hold_out_every=hold_out_every, skip_damaged=True)
train_dataloader = dict(dataset=dict(**folder, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**folder, pipeline=val_pipeline))
