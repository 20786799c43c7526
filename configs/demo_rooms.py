# A small ToSA on generated rooms, with nothing to download: what `make demo` trains.
# python tools/train.py configs/demo_rooms.py
# Hardware: 2 CPU cores, busy with other work. Time: 3.6 minutes. Result, protocol full, 32 rooms: AbsRel 0.243,
# RMSE 0.760 m, delta1 0.550 (from random weights; it shows that everything works, not what ToSA can do).
_base_ = ["_base_/nyu.py", "_base_/runtime.py"]
img_size = (96, 128)
max_epochs = 6
pretrained = None

train_pipeline = [dict(type="RandomFlipRGBD", prob=0.5), dict(type="PackDepthInputs")]
test_pipeline = [
    dict(type="ResizeRGBD", size=img_size, mode="fit", resize_depth=False),
    dict(type="PackDepthInputs"),
]
train_dataloader = dict(
    dataset=dict(_delete_=True, type="Rooms", length=640, size=img_size, seed=0, pipeline=train_pipeline)
)
test_dataloader = dict(
    dataset=dict(_delete_=True, type="Rooms", length=32, size=img_size, seed=1, pipeline=test_pipeline)
)
test_evaluator = dict(protocol="full")
val_dataloader = test_dataloader
val_evaluator = test_evaluator
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(paramwise_cfg=dict(backbone_mult=1.0, layer_decay=1.0))  # all of it starts at random

model = dict(
    type="DepthEstimator",
    size_divisor=8,
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
        img_size=img_size,
        patch_size=8,
        embed_dim=96,
        depth=8,
        num_heads=3,
        keep_rate=0.5,
        selection="shared",
        out_indices=(0, 2, 4, 6),  # standard layers only; counted from 0
        pretrained=pretrained,
    ),
    decode_head=dict(
        type="DPTHead",
        in_channels=(96,) * 4,
        channels=32,
        readout="project",
        min_depth=1e-3,
        max_depth=10.0,
        losses=[dict(type="ScaleInvariantLogLoss"), dict(type="GradientLoss", loss_weight=0.5)],
    ),
    test_cfg=dict(mode="whole", flip=False),
)
