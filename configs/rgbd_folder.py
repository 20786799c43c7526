# ToSA-DeiT-Small on your own RGB-D pairs: pictures in rgb/, depth maps of the same names in depth/.
# python tools/train.py configs/rgbd_folder.py --cfg-options data_root=/data/mine depth_scale=1000
# Hardware, time and result: they depend on the data; not yet run.
# Best started from a trained model: load_from=work_dirs/nyu_tosa_small/best_abs_rel_....pth pretrained=None
_base_ = ["_base_/nyu.py", "_base_/runtime.py"]
data_root = "data/rgbd"
depth_scale = 1000  # file units per metre: 1000 for millimetres, 5000 for TUM RGB-D, 1 for metres in .npy
test_every = 10  # each tenth pair is for testing; None where train.txt and test.txt lie in data_root
max_depth = 10.0  # [m]; the model predicts nothing farther (the protocols measure up to 10 m)
pretrained = True  # ImageNet weights from timm's hub; without a network the path of a local file

pairs = dict(type="RGBDFolder", data_root=data_root, depth_scale=depth_scale, test_every=test_every)
train_dataloader = dict(dataset=dict(_delete_=True, **pairs, split="train", pipeline=_base_.train_pipeline))
test_dataloader = dict(dataset=dict(_delete_=True, **pairs, split="test", pipeline=_base_.test_pipeline))
test_evaluator = dict(protocol="full")
val_dataloader = test_dataloader
val_evaluator = test_evaluator

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
        losses=[dict(type="ScaleInvariantLogLoss"), dict(type="GradientLoss", loss_weight=0.5)],
    ),
    test_cfg=dict(mode="whole", flip=False),
)
