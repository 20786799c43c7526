# Depth and ImageNet classes from one pass of DeiT-Tiny: its weights are frozen, a decoder on top learns depth.
# Command: depthkit train depth_and_classes_tiny --cfg-options data_root=/data/nyu
# Then: depthkit predict image.jpg --classes --weights best.pth
# Hardware and time: not yet run.
# Result: not yet run on NYU Depth V2.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/nyu.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
pretrained = True  # ImageNet weights, classifier included, from timm's hub; or the path of a local file
freeze_backbone = True  # False: better depth, but the model forgets the classes
model = dict(
    type="DepthClassifier",
    canonical_focal=_base_.canonical_focal,
    backbone=dict(_delete_=True, type="DeiT", embed_dim=192, num_heads=3, out_indices=(2, 4, 8, 10)),
    cls_head=dict(type="ClsHead", in_channels=192),
    pretrained=pretrained,
    freeze_backbone=freeze_backbone,
)
