# Generated rooms of any kind mixed with free RGB-D pairs in the layout of BTS; tested on other rooms, protocol `full`.
_base_ = "nyu.py"
data_root = "data/free_rgbd"
textures = [f"{data_root}/*/*.jpg"]  # images on posters, screens and other surfaces of the rooms; []: none
# Which pairs, by their place in train.txt: every fourth of the 106 of one living room, and all others. None: all pairs.
pairs = [*range(0, 106, 4), *range(106, 154)]
cache = None  # folder that keeps the rooms, some 0.4 MB each; None: every room is made anew in every epoch
rooms = 6000  # in one epoch
repeats = 12  # of the pairs in one epoch
img_size = (144, 192)  # height and width [px] of the crops
batch_size = 16
canonical_focal = 518.8579 * img_size[0] / 480  # [px] of NYU's camera at this size
render_size = (216, 288)  # of the rooms, whatever img_size is, so that `cache` serves every size
resized = tuple(round(1.125 * side) for side in img_size)  # what the crops are taken from

train_pipeline = [
    dict(type="ResizeRGBD", size=resized, mode="cover"),
    dict(type="RandomTilt", roll=4.0, tilt=4.0, prob=0.4),
    dict(type="RandomCropRGBD", size=img_size),
    dict(type="RandomZoom", scale=(1.0, 1.5), prob=0.5),
    dict(type="RandomFlipRGBD", prob=0.5),
    dict(type="ColorJitter", brightness=0.3, contrast=0.3, saturation=0.5, hue=0.08, prob=0.8),
    dict(type="CameraDefects", prob=0.5, grey=0.05),
    dict(type="PackDepthInputs"),
]
test_pipeline = [dict(type="ResizeRGBD", size=img_size, mode="fit", resize_depth=False), dict(type="PackDepthInputs")]

generated = dict(
    type="Rooms",
    length=rooms,
    size=render_size,
    seed=0,
    variety="wide",
    textures=textures,
    cache=cache,
    pipeline=train_pipeline,
)
measured = dict(type="RGBDFolder", data_root=data_root, depth_scale=1000, indices=pairs, pipeline=train_pipeline)
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        _delete_=True,
        type="ConcatDataset",
        datasets=[generated, dict(type="RepeatDataset", times=repeats, dataset=measured)],
    ),
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="Rooms",
        length=64,
        size=render_size,
        seed=1,
        variety="wide",
        textures=textures,
        cache=cache and f"{cache}_test",
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(protocol="full")
val_dataloader = test_dataloader
val_evaluator = test_evaluator
