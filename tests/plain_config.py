"""A config without bases for DepthPredictor, and an image for it."""

import numpy as np
from PIL import Image

CONFIG = """
img_size = (64, 96)
test_pipeline = [
    dict(type="ResizeRGBD", size=img_size, mode="fit", resize_depth=False),
    dict(type="PackDepthInputs"),
]
model = dict(
    type="DepthEstimator",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=False, pad_val=0,
        seg_pad_val=0,
    ),
    backbone=dict(
        type="ToSA", img_size=img_size, embed_dim=48, depth=4, num_heads=3, keep_rate=0.5, selection="shared",
        out_indices=(0, 1, 2, 3), pretrained=None,
    ),
    decode_head=dict(
        type="DPTHead", in_channels=(48,) * 4, channels=16, readout="project", min_depth=1e-3, max_depth=8.0,
        losses=[dict(type="ScaleInvariantLogLoss")],
    ),
    test_cfg=dict(mode="whole", flip=False),
)
"""


def photo(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
