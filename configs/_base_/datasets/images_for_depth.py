# Images without labels for a model that learns depth from another one. Damaged images are skipped and reported.
# Crops, zooms and colours are those of nyu.py: metric depth needs things at the size that they have in prediction.
_base_ = "unlabelled_images.py"
data_root = "data/images"
hold_out_every = 10
img_size = (288, 384)  # height and width [px] of the crops
resized = img_size  # images are resized to cover this, then cropped
batch_size = 8

train_pipeline = [
    dict(type="ResizeRGBD", size=resized, mode="cover"),
    dict(type="RandomCropRGBD", size=img_size),
    dict(type="RandomFlipRGBD", prob=0.5),
    dict(type="RandomZoom", scale=(1.0, 1.5), prob=0.5),
    dict(type="ColorJitter", brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, prob=1.0),
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
train_dataloader = dict(batch_size=batch_size, dataset=dict(**folder, pipeline=train_pipeline))
val_dataloader = dict(batch_size=batch_size, dataset=dict(**folder, pipeline=val_pipeline))
