"""From a sample of arrays to what models take."""

import numpy as np
import torch
from mmcv.transforms.base import BaseTransform
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from depthkit.registry import TRANSFORMS

META_KEYS = ("img_path", "ori_shape", "img_shape", "flip", "flip_direction", "intrinsics", "unreadable")


@TRANSFORMS.register_module()
class PackDepthInputs(BaseTransform):
    """Pack a sample as {"inputs", "data_samples"}; the last transform of every pipeline."""

    def transform(self, results: dict) -> dict:
        """Return `inputs` uint8 (3, H, W) RGB and `data_samples`, a `SegDataSample`.

        The data sample has `gt_depth_map` float32 (1, H, W) [m] when there is one, and as metainfo those of
        `META_KEYS` that the sample has.
        """
        data_sample = _data_sample(results)
        if "gt_depth_map" in results:
            depth = np.ascontiguousarray(results["gt_depth_map"][None], dtype=np.float32)
            data_sample.gt_depth_map = PixelData(data=torch.from_numpy(depth))
        return {"inputs": _inputs(results), "data_samples": data_sample}


@TRANSFORMS.register_module()
class PackClassInputs(BaseTransform):
    """Pack a sample as {"inputs", "data_samples"} for a classifier."""

    def transform(self, results: dict) -> dict:
        """Return `inputs` uint8 (3, H, W) RGB and `data_samples`, a `SegDataSample` with `gt_label`, an int64
        tensor () with the class, and as metainfo those of `META_KEYS` that the sample has."""
        data_sample = _data_sample(results)
        data_sample.gt_label = torch.tensor(results["gt_label"])
        return {"inputs": _inputs(results), "data_samples": data_sample}


def _inputs(results: dict) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(results["img"].transpose(2, 0, 1)))


def _data_sample(results: dict) -> SegDataSample:
    return SegDataSample(metainfo={key: results[key] for key in META_KEYS if key in results})
