"""Data sets: from files to samples. Importing this registers all of them, and the transforms."""

from depthkit.datasets import transforms
from depthkit.datasets.image_folder import ImageFolder
from depthkit.datasets.imagenet import ImageNet
from depthkit.datasets.nyu.dataset import NYUDepthV2
from depthkit.datasets.repeat_aug_sampler import RepeatAugSampler
from depthkit.datasets.rgbd_folder import RGBDFolder
from depthkit.datasets.rooms import Rooms
from depthkit.datasets.sample import make_sample

__all__ = [
    "ImageNet",
    "NYUDepthV2",
    "ImageFolder",
    "RGBDFolder",
    "RepeatAugSampler",
    "Rooms",
    "make_sample",
    "transforms",
]
