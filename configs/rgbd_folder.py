# ToSA-DeiT-Small on your own RGB-D pairs: pictures in rgb/, depth maps of the same names in depth/.
# python tools/train.py configs/rgbd_folder.py --cfg-options data_root=/data/mine depth_scale=1000
# max_depth=20 Hardware, time and result: depend on the data; not yet run. Starts best from a trained model:
# add load_from=work_dirs/nyu_tosa_small/best_....pth and pretrained=None.
_base_ = "_base_/runtime.py"
data_root = "data/rgbd"
depth_scale = 1000  # file units per metre: 1000 for millimetres, 5000 for TUM RGB-D, 1 for metres in .npy
test_every = 10  # each tenth pair is for testing; None where train.txt and test.txt lie in data_root
max_depth = 10.0  # [m]; nothing farther is predicted
img_size = (416, 544)
batch_size = 8
workers = 2
max_epochs = 20
pretrained = True  # ImageNet weights from timm's hub; without a network the path of a local file

data = dict(type="RGBDFolder", data_root=data_root, depth_scale=depth_scale, test_every=test_every)
train_pipeline = [
    dict(type="Resize", size=img_size, mode="cover"),
    dict(type="RandomCrop", size=img_size),
    dict(type="RandomFlip", prob=0.5),
    dict(type="ColorJitter", brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05, prob=0.5),
    dict(type="PackDepthInputs"),
]
test_pipeline = [
    dict(type="Resize", size=img_size, mode="fit", resize_depth=False),
    dict(type="PackDepthInputs"),
]
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=workers,
    persistent_workers=workers > 0,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(**data, split="train", pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=workers,
    persistent_workers=workers > 0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(**data, split="test", pipeline=test_pipeline),
)
test_evaluator = dict(type="DepthMetric", protocol="full")
val_dataloader = test_dataloader
val_evaluator = test_evaluator
train_cfg = dict(max_epochs=max_epochs)

model = dict(
    type="DepthEstimator",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        size_divisor=1,
        pad_val=0,
        seg_pad_val=0,
    ),
    backbone=dict(
        type="ToSA",
        embed_dim=384,
        num_heads=6,
        keep_rate=0.5,
        selection="shared",
        out_indices=(2, 4, 8, 10),  # standard layers only; counted from 0
        pretrained=pretrained,
    ),
    decode_head=dict(
        type="DPTHead",
        in_channels=(384,) * 4,
        channels=64,
        readout="project",
        min_depth=1e-3,
        max_depth=max_depth,
        losses=[dict(type="SILogLoss"), dict(type="GradientLoss", loss_weight=0.5)],
    ),
    test_cfg=dict(mode="whole", flip=False),
)
