# NYU Depth V2: 795 (or BTS's 24231) training pairs and the 654 test pairs of Eigen et al., protocol `eigen`.
# data/README.md says how to get them; `depthkit prepare-nyu --check DIR` tells what a folder holds.
data_root = "data/nyu"
# Height and width [px] of the training crops. NYU's 480x640 is resized to cover it and cropped to its aspect.
# 26 x 34 patches instead of 30 x 40 take 0.7 of the time. Both sides are multiples of 32, as pyramid backbones need.
# Test images are resized to fit into it: things then have the same size as in training, which metric depth needs.
img_size = (416, 544)
# Focal length [px] of NYU's camera in the training crops: 518.8579 at 640 px, and the images become this many px wide.
# Metres are those of this camera times fx / canonical_focal. None: they do not follow the camera (docs/camera.md).
canonical_focal = 518.8579 * max(round(img_size[0] * 640 / 480), img_size[1]) / 640
batch_size = 8
workers = 2

train_pipeline = [
    dict(type="ResizeRGBD", size=img_size, mode="cover"),
    dict(type="RandomCropRGBD", size=img_size),
    dict(type="RandomFlipRGBD", prob=0.5),
    dict(type="RandomZoom", scale=(1.0, 1.5), prob=0.5),
    dict(type="ColorJitter", brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, prob=1.0),
    dict(type="PackDepthInputs"),
]
# The ground truth keeps its own size; predictions are resized to it.
test_pipeline = [dict(type="ResizeRGBD", size=img_size, mode="fit", resize_depth=False), dict(type="PackDepthInputs")]

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=workers,
    persistent_workers=workers > 0,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(type="NYUDepthV2", data_root=data_root, split="train", pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=workers,
    persistent_workers=workers > 0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="NYUDepthV2", data_root=data_root, split="test", pipeline=test_pipeline),
)
test_evaluator = dict(type="DepthProtocolMetric", protocol="eigen")
val_dataloader = test_dataloader
val_evaluator = test_evaluator
