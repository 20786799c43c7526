"""The training that is killed: a tiny ToSA on generated rooms, with all that draws random numbers."""

from pathlib import Path

from helpers import CONFIGS, SMALL_VIT

# What any training imports only while it runs, in 2 s: the mm metrics, the models' registry, the optimizer, the dump of
# the config, and the list of what is installed. Those that are forked find it imported.
IMPORTED_LATE = (
    "depthkit.evaluation.accuracy", "depthkit.evaluation.depth_metric", "mmseg.models", "torch._dynamo",
    "yapf.yapflib.yapf_api", "torch.utils.cpp_extension",
)  # fmt: skip

# How often it saves: after each epoch, or every three iterations of epochs that have four.
VARIANTS = {
    "epochs": dict(by_epoch=True, interval=1),
    "iterations": dict(by_epoch=False, interval=3),
}

_CONFIG = f"""
_base_ = ["{CONFIGS}/_base_/schedules/depth_20e.py", "{CONFIGS}/default_runtime.py"]
ema = 0.05
max_epochs = 3
train_cfg = dict(max_epochs=max_epochs)
size = (64, 64)
test_pipeline = [dict(type="PackDepthInputs")]
train_pipeline = [
    dict(type="RandomTilt", prob=0.5),
    dict(type="RandomZoom", scale=(1.0, 1.5), prob=0.5),
    dict(type="RandomFlipRGBD", prob=0.5),
    dict(type="ColorJitter", prob=0.8),
    dict(type="CameraDefects", prob=0.5),
    dict(type="PackDepthInputs"),
]
train_dataloader = dict(
    batch_size=BATCH_SIZE,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        type="RepeatDataset", times=2, dataset=dict(type="Rooms", length=4, size=size, pipeline=train_pipeline)
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="Rooms", length=2, size=size, seed=1, pipeline=test_pipeline),
)
test_evaluator = dict(type="DepthProtocolMetric", protocol="full")
val_dataloader, val_evaluator = test_dataloader, test_evaluator
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(max_keep_ckpts=2, **CHECKPOINTS))
custom_hooks = [
    dict(type="CheckInvalidLossHook"),
    dict(type="DepthVisualizationHook", num_images=1),
    dict(type="EMAHook", momentum=ema),
    dict(type="KeepRateHook", start=1.0, duration=0.6),
]
model = dict(
    type="DepthEstimator",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[124, 116, 104], std=[58, 57, 57], bgr_to_rgb=False, size_divisor=1,
        pad_val=0, seg_pad_val=0,
    ),
    backbone=dict(
        type="ToSA", keep_rate=0.5, selection="shared", out_indices=(0, 1, 2, 3), pretrained=None, drop_path_rate=0.2,
        **{SMALL_VIT}
    ),
    decode_head=dict(type="DPTHead", in_channels=(48,) * 4, channels=16, losses=[dict(type="ScaleInvariantLogLoss")]),
    test_cfg=dict(mode="whole", flip=False),
)
"""


def write_config(folder: Path, variant: str, processes: int) -> Path:
    """Write the config of a variant; several processes share the batches that one has."""
    path = folder / f"{variant}.py"
    text = _CONFIG.replace("BATCH_SIZE", str(2 // processes)).replace("CHECKPOINTS", repr(VARIANTS[variant]))
    path.write_text(text)
    return path
