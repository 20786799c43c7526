"""Data sets: from files on disk to samples. Importing this module registers all of them.

To add a data set of RGB-D frames:

1. Write a source with `description`, `entries()` and `read(entry)` (`depth_dataset.FrameSource`); `nyu/h5.py` is short.
2. Derive a class from `DepthDataset`; its `__init__` hands the source over. Decorate the class with
   ``@DATASETS.register_module()`` and its `__init__` with ``@validate_arguments``.
3. Import the class here, and name it in a config: ``dataset=dict(type="MyData", data_root=data_root, ...)``.
"""

from depthkit.datasets import transforms
from depthkit.datasets.depth_dataset import DepthDataset, FrameSource
from depthkit.datasets.image_folder import ImageFolder
from depthkit.datasets.imagenet import ImageNet
from depthkit.datasets.nyu import NYUDepthV2
from depthkit.datasets.repeat_aug_sampler import RepeatAugSampler
from depthkit.datasets.rgbd_folder import RGBDFolder
from depthkit.datasets.rooms import Rooms
from depthkit.datasets.sample import Frame, make_sample
from depthkit.datasets.shard_sampler import ShardSampler
from depthkit.datasets.streamed_shards import StreamedShards

__all__ = [
    "DepthDataset",
    "Frame",
    "FrameSource",
    "ImageFolder",
    "ImageNet",
    "NYUDepthV2",
    "RGBDFolder",
    "RepeatAugSampler",
    "Rooms",
    "ShardSampler",
    "StreamedShards",
    "make_sample",
    "transforms",
]
