"""Transforms of samples: defined once for picture, depth map and intrinsics.

A sample is the dict of `depthkit.datasets.sample.make_sample`. All follow mmcv's transform contract, leave
arrays they were given unchanged, and take samples without `gt_depth_map` or `intrinsics`. Random ones draw
from numpy's global generator, which mmengine seeds in each worker.
"""

from depthkit.datasets.transforms.color_jitter import ColorJitter
from depthkit.datasets.transforms.packing import PackClassInputs, PackDepthInputs
from depthkit.datasets.transforms.random_geometry import RandomCropRGBD, RandomFlipRGBD, RandomRotation, RandomZoom
from depthkit.datasets.transforms.resizing import Pad, ResizeRGBD
from depthkit.datasets.transforms.timm_transform import TimmTransform

__all__ = [
    "ColorJitter",
    "PackClassInputs",
    "PackDepthInputs",
    "Pad",
    "RandomCropRGBD",
    "RandomFlipRGBD",
    "RandomRotation",
    "RandomZoom",
    "ResizeRGBD",
    "TimmTransform",
]
