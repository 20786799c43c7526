"""Transforms of samples: each defined once for image, depth map and intrinsics.

A sample is the dict of `depthkit.datasets.sample.make_sample`. All transforms follow mmcv's contract, leave the arrays
that they are given unchanged, and accept samples without `gt_depth_map` or `intrinsics`. Random ones draw from numpy's
global generator, which mmengine seeds in each worker.
"""

from depthkit.datasets.transforms.camera_defects import CameraDefects
from depthkit.datasets.transforms.color_jitter import ColorJitter
from depthkit.datasets.transforms.packing import PackClassInputs, PackDepthInputs
from depthkit.datasets.transforms.random_geometry import RandomCropRGBD, RandomFlipRGBD, RandomZoom
from depthkit.datasets.transforms.random_tilt import RandomTilt
from depthkit.datasets.transforms.resize_to_multiple import ResizeToMultiple
from depthkit.datasets.transforms.resizing import ResizeRGBD
from depthkit.datasets.transforms.timm_transform import TimmTransform

__all__ = [
    "CameraDefects",
    "ColorJitter",
    "PackClassInputs",
    "PackDepthInputs",
    "RandomCropRGBD",
    "RandomFlipRGBD",
    "RandomTilt",
    "RandomZoom",
    "ResizeRGBD",
    "ResizeToMultiple",
    "TimmTransform",
]
