"""The depth model: backbone and decoder."""

from collections.abc import Callable, Sequence
from logging import WARNING
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from pydantic import Field
from torch import Tensor
from typing_extensions import TypedDict

from depthkit.errors import InputError
from depthkit.models.backbones import DeiT, Features, extract_features
from depthkit.models.base_model import DepthkitModel
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, Positive, check_values, validate_arguments

Output = Literal["depth", "disparity", "relative_depth"]

# Of the last resize, to the size of the image: arguments of `F.interpolate`.
_RESIZES = {
    "bilinear": dict(mode="bilinear", align_corners=False),
    "bilinear_aligned": dict(mode="bilinear", align_corners=True),
    "bicubic": dict(mode="bicubic", align_corners=False),
}

_Sides = Annotated[Sequence[Count], Field(min_length=2, max_length=2)]  # (height, width) [px]


class _Testing(TypedDict, total=False):
    mode: Literal["whole", "slide"]
    flip: bool
    resize: Literal["bilinear", "bilinear_aligned", "bicubic"]
    crop_size: _Sides | None
    stride: _Sides | None


@MODELS.register_module()
class DepthEstimator(DepthkitModel):
    """Images to depth: a backbone that gives four maps, and a decoder.

    Any mm backbone works; those of depthkit also hand their class token to the decoder. Images may have any size:
    they are padded to a multiple of `size_divisor` by repeating the border, and the depth is cropped back.

    Args:
        backbone: config; one of depthkit's needs `out_indices`.
        decode_head: config of a `DPTHead`.
        neck: optional config of a module between them; it takes the maps without prefix tokens.
        size_divisor: [px]; the patch size, or the coarsest stride of a pyramid backbone.
        test_cfg: ``mode``: ``whole``, or ``slide`` with ``crop_size`` and ``stride`` (height, width) [px];
            ``flip``: average with the prediction of the mirrored image; ``resize``: the last one, to the size of the
            image: ``bilinear``, ``bilinear_aligned`` (corners aligned, as Depth-Anything's) or ``bicubic`` (MiDaS').
        canonical_focal: focal length [px], at the size of the network's input, of the camera that all images are
            taken to come from (Metric3D, Yin et al., ICCV 2023, section 3.1, label transformation): training compares
            with ``gt * canonical_focal / fx``, predictions are multiplied by ``fx / canonical_focal``, fx from
            each sample's `intrinsics`. The decoder's range is then that of canonical depth, and so is what the mode
            ``tensor`` and an exported graph give. None: ignore intrinsics.
        output: what the decoder gives: ``depth`` [m]; ``disparity``: 1 / depth, up to a scale and a shift that differ
            from image to image (MiDaS, Ranftl et al., TPAMI 2022); ``relative_depth``: depth up to a scale. A model of
            the last two predicts and cannot be trained, because the losses compare metres.
        data_preprocessor: config, such as mmseg's SegDataPreProcessor.
        init_cfg: as mmengine's.

    Raises:
        InputError: an argument is wrong; in training, the output is not in metres; with `canonical_focal`, in training
            and prediction, an image has no intrinsics.
    """

    @validate_arguments
    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        neck: dict | None = None,
        size_divisor: Count = 16,
        test_cfg: dict | None = None,
        canonical_focal: Positive | None = None,
        output: Output = "depth",
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.decode_head = MODELS.build(decode_head)
        if isinstance(self.backbone, DeiT) and self.backbone.out_indices is None:
            raise InputError("backbone: out_indices is missing; name the layers whose maps the decode_head takes")
        if isinstance(self.backbone, DeiT) and self.backbone.patch_embed.proj.in_channels != 3:
            raise InputError(f"backbone: in_chans={backbone['in_chans']}: expected 3, because images are RGB")
        self.size_divisor = size_divisor
        self.test_cfg = _check_test_cfg(test_cfg or {})
        if canonical_focal is not None and output != "depth":
            raise InputError(f"canonical_focal={canonical_focal:g}: expected output='depth', because it scales metres")
        self.canonical_focal = canonical_focal
        self.output = output
        # What runs the network in place of this module when it predicts (`depthkit.runtimes`): normalised and padded
        # images to the outputs of `_forward`. None: this module.
        self.run_elsewhere: Callable[[Tensor], tuple[Tensor, ...]] | None = None
        self._knows_range = False

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Return the losses of the decoder and the auxiliary losses of the backbone."""
        depth, losses = self._depth(inputs)
        return {**self._depth_loss(depth, data_samples), **losses}

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample]) -> list[SegDataSample]:
        """Predict as `test_cfg` says.

        Returns:
            The data samples with `pred_depth_map` (1, H0, W0), in metres or what else `output` says, at each image's
            ``ori_shape``, without the padding of the batch.
        """
        depth = self._predict_by_mode(inputs)
        if self.test_cfg["flip"]:
            mirrored = self._predict_by_mode(inputs.flip(-1)).flip(-1)
            depth = (depth + mirrored) / 2
        return self._add_depth(data_samples, depth)

    def pad(self, inputs: Tensor) -> Tensor:
        """Repeat the border of images (B, 3, H, W) up to sides that are multiples of `size_divisor`."""
        bottom, right = (-side % self.size_divisor for side in inputs.shape[-2:])
        return F.pad(inputs, (0, right, 0, bottom), mode="replicate") if bottom or right else inputs

    def _forward(self, inputs: Tensor) -> Tensor:
        """Return what the decoder gives, (B, 1, H, W), for images (B, 3, H, W)."""
        return self._depth(inputs)[0]

    def _infer(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of `_forward` for images (B, 3, H, W), from `run_elsewhere` if there is one."""
        if self.run_elsewhere is None:
            outputs = self._forward(inputs)
            return outputs if isinstance(outputs, tuple) else (outputs,)
        depth, *others = self.run_elsewhere(self.pad(inputs).contiguous())
        return depth[..., : inputs.shape[-2], : inputs.shape[-1]], *others

    def _depth(self, inputs: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return depth (B, 1, H, W) [m] of images (B, 3, H, W), and the backbone's auxiliary losses."""
        padded = self.pad(inputs)
        features = extract_features(self.backbone, padded)
        return self._decode(features, padded, inputs), features.losses

    def _decode(self, features: Features, padded: Tensor, inputs: Tensor) -> Tensor:
        """Decode the features of `padded` inputs to the depth (B, 1, H, W) [m] of `inputs`."""
        maps = features.maps if self.neck is None else self.neck(features.patch_maps)
        return self.decode_head(maps, padded.shape[-2:])[..., : inputs.shape[-2], : inputs.shape[-1]]

    def _depth_loss(self, depth: Tensor, samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Compare depth (B, 1, H, W) [m] with the samples' ground truth."""
        if self.output != "depth":
            raise InputError(
                f"output={self.output!r}: such a model cannot be trained, because the losses compare metres; to train "
                "its weights further use output='depth' and, in decode_head, activation='range'"
            )
        gt = torch.stack([sample.gt_depth_map.data for sample in samples]).to(depth.device)
        if gt.shape[-2:] != depth.shape[-2:]:
            sizes = [f"{height} x {width} px" for height, width in (depth.shape[-2:], gt.shape[-2:])]
            raise InputError(
                f"the pipeline gives images of {sizes[0]} and depth of {sizes[1]}; expected one size: use steps that "
                "change both, as ResizeRGBD does"
            )
        if self.canonical_focal is not None:
            gt = gt / self._focal_ratios(samples, gt)
        self._warn_of_range(gt)
        return self.decode_head.loss(depth, gt)

    def _warn_of_range(self, gt: Tensor) -> None:
        """Say once if most of the first ground truth [m] lies beyond what the decoder can give."""
        if self._knows_range:
            return
        self._knows_range = True
        limit, measured = getattr(self.decode_head, "max_depth", None), gt[gt > 0]
        if limit is not None and measured.numel() and (median := float(measured.median())) > limit:
            print_log(
                f"the median of the first ground truth is {median:.3g} m, beyond the model's max_depth={limit:g} m; "
                "correct depth_scale (the depth files' units per metre) or max_depth",
                logger="current",
                level=WARNING,
            )

    def _add_depth(self, samples: list[SegDataSample], depth: Tensor) -> list[SegDataSample]:
        """Give each sample its `pred_depth_map`, without the batch's padding and at the image's ``ori_shape``."""
        if self.canonical_focal is not None:
            depth = depth * self._focal_ratios(samples, depth)
        for sample, one in zip(samples, depth, strict=True):
            height, width = sample.metainfo.get("img_shape", one.shape[-2:])[:2]
            one = one[:, :height, :width]
            size = tuple(sample.metainfo.get("ori_shape", one.shape[-2:]))[:2]
            if size != tuple(one.shape[-2:]):
                one = F.interpolate(one[None], size=size, **_RESIZES[self.test_cfg["resize"]])[0]
            sample.pred_depth_map = PixelData(data=one)
        return samples

    def _focal_ratios(self, samples: list[SegDataSample], like: Tensor) -> Tensor:
        """Return ``fx / canonical_focal`` (B, 1, 1, 1) of each image, on the device of `like`."""
        for sample in samples:
            if sample.metainfo.get("intrinsics") is None:
                name = sample.metainfo.get("img_path") or "an image"
                raise InputError(f"{name}: has no intrinsics, which canonical_focal needs; give them or set it to None")
        # In float64 until the end: rounded, the ratio of the training's own camera is exactly 1.
        ratios = [float(sample.metainfo["intrinsics"][0][0]) / self.canonical_focal for sample in samples]
        return like.new_tensor(ratios).view(-1, 1, 1, 1)

    def _predict_by_mode(self, inputs: Tensor) -> Tensor:
        if self.test_cfg["mode"] == "whole":
            return self._infer(inputs)[0]
        crop, stride = self.test_cfg["crop_size"], self.test_cfg["stride"]
        total = inputs.new_zeros(inputs.shape[0], 1, *inputs.shape[-2:], dtype=torch.float32)
        count = torch.zeros_like(total)
        for top in _starts(inputs.shape[-2], crop[0], stride[0]):
            for left in _starts(inputs.shape[-1], crop[1], stride[1]):
                window = (..., slice(top, top + crop[0]), slice(left, left + crop[1]))
                total[window] += self._infer(inputs[window])[0]
                count[window] += 1
        return total / count


def _starts(length: int, crop: int, stride: int) -> list[int]:
    """Return where windows begin so that they cover `length`; the last one ends at its end."""
    last = max(length - crop, 0)
    return [*range(0, last, stride), last]


def _check_test_cfg(test_cfg: dict) -> dict:
    checked = {"mode": "whole", "flip": False, "resize": "bilinear", **test_cfg}
    known = _Testing.__annotations__
    unknown = checked.keys() - known.keys()
    if unknown:
        raise InputError(f"test_cfg: unknown {', '.join(sorted(map(str, unknown)))}; expected {', '.join(known)}")
    checked = check_values("test_cfg", checked, _Testing)
    if checked["mode"] == "slide":
        pairs = [checked.get("crop_size"), checked.get("stride")]
        if None in pairs:
            raise InputError("test_cfg: mode='slide' needs crop_size=(height, width) and stride=(height, width) [px]")
        if any(s > c for c, s in zip(*pairs, strict=True)):
            raise InputError(f"test_cfg: stride={pairs[1]} is larger than crop_size={pairs[0]}; pixels would be missed")
    return checked
