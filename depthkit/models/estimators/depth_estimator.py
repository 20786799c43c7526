"""The depth model: backbone, decoder, and mmengine's three modes around them."""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.backbones import DeiT
from depthkit.models.backbones.features import Features
from depthkit.models.backbones.foreign import extract_features
from depthkit.registry import MODELS


@MODELS.register_module()
class DepthEstimator(BaseModel):
    """Images to metric depth: a backbone that gives four maps, and a decoder.

    Any mm backbone works; depthkit's also hand their class token to the decoder. Images of any size: they are
    padded to a multiple of `size_divisor` by repeating the border, and the depth is cropped back.

    Args:
        backbone, decode_head: configs.
        neck: optional config of a module between them.
        size_divisor: [px]; the patch size, or the coarsest stride of a pyramid backbone.
        test_cfg: ``mode``: ``whole``, or ``slide`` with ``crop_size`` and ``stride`` (height, width) [px];
            ``flip``: average with the prediction of the mirrored image.
        data_preprocessor: config, such as mmseg's SegDataPreProcessor.
        init_cfg: as mmengine's.

    Raises:
        InputError: `test_cfg` is not of that form.
    """

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        neck: dict | None = None,
        size_divisor: int = 16,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        # Built here, for mmengine's base class looks in its own registry when no default scope is set.
        super().__init__(MODELS.build(data_preprocessor) if data_preprocessor else None, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.decode_head = MODELS.build(decode_head)
        if isinstance(self.backbone, DeiT) and self.backbone.out_indices is None:
            raise InputError("backbone: out_indices is missing; name the layers whose maps the decode_head takes")
        if size_divisor < 1:
            raise InputError(f"size_divisor={size_divisor}: expected a number of pixels, 1 or more")
        self.size_divisor = size_divisor
        self.test_cfg = _check_test_cfg(test_cfg or {})

    def forward(
        self, inputs: Tensor, data_samples: list[SegDataSample] | None = None, mode: str = "tensor"
    ) -> Tensor | dict[str, Tensor] | list[SegDataSample]:
        """Normalised images (B, 3, H, W): ``tensor`` gives depth (B, 1, H, W) [m], ``loss`` a dict of losses,
        ``predict`` data samples with ``pred_depth_map`` (1, H0, W0) [m] at each image's ``ori_shape``."""
        if mode == "tensor":
            return self.depth(inputs)[0]
        if mode == "loss":
            return self.loss(inputs, data_samples)
        if mode == "predict":
            return self.predict(inputs, data_samples)
        raise ValueError(f"mode={mode!r}: expected 'tensor', 'loss' or 'predict'")

    def depth(self, inputs: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Depth (B, 1, H, W) [m] of images (B, 3, H, W), and the backbone's auxiliary losses in training."""
        padded = self.pad(inputs)
        features = extract_features(self.backbone, padded)
        return self._decode(features, padded, inputs), features.losses

    def pad(self, inputs: Tensor) -> Tensor:
        """Images (B, 3, H, W) with the border repeated to sides that are multiples of `size_divisor`."""
        bottom, right = (-side % self.size_divisor for side in inputs.shape[-2:])
        return F.pad(inputs, (0, right, 0, bottom), mode="replicate") if bottom or right else inputs

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Losses of the decoder and auxiliary losses of the backbone, each a scalar named ``loss_*``."""
        depth, losses = self.depth(inputs)
        gt = torch.stack([sample.gt_depth_map.data for sample in data_samples]).to(depth.device)
        return {**self.decode_head.loss(depth, gt), **losses}

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> list[SegDataSample]:
        """Predict by `test_cfg`, undo the padding of the batch, and resize to each image's ``ori_shape``."""
        depth = self._predict_window(inputs)
        if self.test_cfg["flip"]:
            mirrored = self._predict_window(inputs.flip(-1)).flip(-1)
            depth = (depth + mirrored) / 2
        return self._add_depth(data_samples or [SegDataSample() for _ in inputs], depth)

    def _decode(self, features: Features, padded: Tensor, inputs: Tensor) -> Tensor:
        """Decode the features of `padded` inputs to the depth (B, 1, H, W) [m] of `inputs`."""
        maps = features.maps if self.neck is None else self.neck(features.patch_maps)
        return self.decode_head(maps, padded.shape[-2:])[..., : inputs.shape[-2], : inputs.shape[-1]]

    def _add_depth(self, samples: list[SegDataSample], depth: Tensor) -> list[SegDataSample]:
        """Give each sample its `pred_depth_map`, without the batch's padding and at the image's ``ori_shape``."""
        for sample, one in zip(samples, depth, strict=True):
            height, width = sample.metainfo.get("img_shape", one.shape[-2:])[:2]
            one = one[:, :height, :width]
            size = tuple(sample.metainfo.get("ori_shape", one.shape[-2:]))[:2]
            if size != tuple(one.shape[-2:]):
                one = F.interpolate(one[None], size=size, mode="bilinear", align_corners=False)[0]
            sample.pred_depth_map = PixelData(data=one)
        return samples

    def _dump_init_info(self) -> None:
        """Nothing: mmengine would log three lines for each of 200 parameters; `load_backbone` reports in one."""

    def _predict_window(self, inputs: Tensor) -> Tensor:
        if self.test_cfg["mode"] == "whole":
            return self.depth(inputs)[0]
        crop, stride = self.test_cfg["crop_size"], self.test_cfg["stride"]
        total = inputs.new_zeros(inputs.shape[0], 1, *inputs.shape[-2:], dtype=torch.float32)
        count = torch.zeros_like(total)
        for top in _starts(inputs.shape[-2], crop[0], stride[0]):
            for left in _starts(inputs.shape[-1], crop[1], stride[1]):
                window = (..., slice(top, top + crop[0]), slice(left, left + crop[1]))
                total[window] += self.depth(inputs[window])[0]
                count[window] += 1
        return total / count


def _starts(length: int, crop: int, stride: int) -> list[int]:
    """Where windows begin so that they cover `length`, the last one ending at its end."""
    last = max(length - crop, 0)
    return [*range(0, last, stride), last]


def _check_test_cfg(test_cfg: dict) -> dict:
    checked = {"mode": "whole", "flip": False, **test_cfg}
    unknown = checked.keys() - {"mode", "flip", "crop_size", "stride"}
    if unknown:
        raise InputError(f"test_cfg: unknown {', '.join(sorted(unknown))}; expected mode, flip, crop_size, stride")
    if checked["mode"] not in ("whole", "slide"):
        raise InputError(f"test_cfg: mode={checked['mode']!r}; expected 'whole' or 'slide'")
    if checked["mode"] == "slide":
        pairs = [checked.get("crop_size"), checked.get("stride")]
        if not all(pair and len(pair) == 2 and min(pair) > 0 for pair in pairs):
            raise InputError("test_cfg: mode='slide' needs crop_size=(height, width) and stride=(height, width) [px]")
        if any(s > c for c, s in zip(*pairs, strict=True)):
            raise InputError(f"test_cfg: stride={pairs[1]} is larger than crop_size={pairs[0]}; pixels would be missed")
    return checked
