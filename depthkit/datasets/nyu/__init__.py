"""NYU Depth V2 (Silberman et al., ECCV 2012): one reader per form on disk, conversion, and inventory."""

from depthkit.datasets.nyu.dataset import NYUDepthV2

__all__ = ["NYUDepthV2"]
