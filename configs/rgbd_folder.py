# Depth with ToSA-DeiT-Small on RGB-D pairs of your own: images in rgb/, depth maps of the same names in depth/.
# Command: depthkit train rgbd_folder --cfg-options data_root=/data/mine depth_scale=1000
# It is best to start from a trained model: load_from=work_dirs/nyu_tosa_small/best_abs_rel_....pth pretrained=None
# Hardware and time: they depend on the data.
# Result: not yet run.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/rgbd_folder.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
max_depth = 10.0  # [m]; the model predicts nothing farther (the protocols measure up to 10 m)
model = dict(
    canonical_focal=_base_.canonical_focal,
    backbone=dict(type="ToSA", embed_dim=384, num_heads=6, keep_rate=0.5, selection="shared"),
    decode_head=dict(in_channels=(384,) * 4, max_depth=max_depth),
)
