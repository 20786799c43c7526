"""The last step of a pipeline: from a sample of arrays to what models take."""

import numpy as np
import torch
from mmcv.transforms.base import BaseTransform
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from depthkit.registry import TRANSFORMS

META_KEYS = ("img_path", "ori_shape", "img_shape", "flip", "flip_direction", "intrinsics", "unreadable")


@TRANSFORMS.register_module()
class PackDepthInputs(BaseTransform):
    """Pack a sample for a depth model."""

    def transform(self, results: dict) -> dict:
        """Pack the sample.

        Returns:
            `inputs`, uint8 RGB (3, H, W); and `data_samples`, a `SegDataSample` with `gt_depth_map`, float32
            (1, H, W) [m], if there is one, and those of `META_KEYS` that the sample has as metainfo.
        """
        packed = _pack(results)
        if "gt_depth_map" in results:
            depth = np.ascontiguousarray(results["gt_depth_map"][None], dtype=np.float32)
            packed["data_samples"].gt_depth_map = PixelData(data=torch.from_numpy(depth))
        return packed


@TRANSFORMS.register_module()
class PackClassInputs(BaseTransform):
    """Pack a sample for a classifier."""

    def transform(self, results: dict) -> dict:
        """Pack the sample.

        Returns:
            `inputs`, uint8 RGB (3, H, W); and `data_samples`, a `SegDataSample` with the class `gt_label`, an int64
            tensor (), and those of `META_KEYS` that the sample has as metainfo.
        """
        packed = _pack(results)
        packed["data_samples"].gt_label = torch.tensor(results["gt_label"])
        return packed


def _pack(results: dict) -> dict:
    return {
        "inputs": torch.from_numpy(np.ascontiguousarray(results["img"].transpose(2, 0, 1))),
        "data_samples": SegDataSample(metainfo={key: results[key] for key in META_KEYS if key in results}),
    }
