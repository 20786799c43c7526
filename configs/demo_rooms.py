# A small ToSA on generated rooms, with nothing to download: `make demo` trains it.
# Command: depthkit train demo_rooms
# Hardware: 2 CPU cores, busy with other work. Time: 3.6 minutes of training (demo: under 10 in all), 2026-11-21.
# Result: protocol full, 32 rooms: abs_rel 0.245, rmse 0.760 m, d1 0.553. The weights start at random: this shows that
# everything works, and not how well ToSA does.
_base_ = [
    "_base_/models/dpt_deit_tiny.py",
    "_base_/datasets/rooms.py",
    "_base_/schedules/depth_20e.py",
    "default_runtime.py",
]
max_epochs = 6
pretrained = None
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(paramwise_cfg=dict(backbone_mult=1.0, layer_decay=1.0))  # the backbone starts at random too
model = dict(
    size_divisor=8,
    backbone=dict(
        type="ToSA",
        img_size=_base_.img_size,
        patch_size=8,
        embed_dim=96,
        depth=8,
        keep_rate=0.5,
        selection="shared",
        out_indices=(0, 2, 4, 6),
        pretrained=pretrained,
    ),
    decode_head=dict(in_channels=(96,) * 4, channels=32),
)
