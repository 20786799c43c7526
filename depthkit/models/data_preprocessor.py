"""Prepare a batch of images on the model's device: normalise, pad and stack; mix, for classification."""

from collections.abc import Callable, Sequence
from typing import Annotated

import torch
from mmengine.model import ImgDataPreprocessor
from pydantic import Field
from timm.data import Mixup
from timm.data.random_erasing import RandomErasing
from torch import Tensor
from typing_extensions import TypedDict

from depthkit.errors import InputError
from depthkit.models.further_arguments import check_further_arguments
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, Finite, Positive, Probability, check_values, validate_arguments

_RGB = Field(min_length=3, max_length=3)


class _Padding(TypedDict, total=False):
    size: tuple[Count, Count] | None
    size_divisor: Count | None


@MODELS.register_module()
class SegDataPreProcessor(ImgDataPreprocessor):
    """Do what mmseg's class of this name does, with the same arguments, without importing mmseg's models.

    Args:
        mean: of each channel, for pixels from 0 to 255; None, and no `std`: values stay.
        std: of each channel.
        size: (height, width) [px] that images are padded to in training.
        size_divisor: or of which their sides become multiples.
        pad_val: value of padded pixels.
        seg_pad_val: of padded maps of the ground truth.
        bgr_to_rgb, rgb_to_bgr: reverse the channels.
        batch_augments: called in training with the batch and its samples; returns both.
        test_cfg: ``size`` or ``size_divisor`` of evaluation, where images are not padded without it.
    """

    @validate_arguments
    def __init__(
        self,
        mean: Annotated[Sequence[Finite], _RGB] | None = None,
        std: Annotated[Sequence[Positive], _RGB] | None = None,
        size: tuple[Count, Count] | None = None,
        size_divisor: Count | None = None,
        pad_val: Finite = 0,
        seg_pad_val: Finite = 255,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        batch_augments: Callable | None = None,
        test_cfg: dict | None = None,
    ) -> None:
        test_cfg = check_values("test_cfg", test_cfg or {}, _Padding)
        super().__init__(mean, std, size_divisor or 1, pad_val, bgr_to_rgb, rgb_to_bgr)
        self.size = size
        self.size_divisor = size_divisor
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val
        self.batch_augments = batch_augments
        self.test_cfg = test_cfg

    def forward(self, data: dict, training: bool = False) -> dict:
        """Stack and normalise.

        Args:
            data: `inputs`, a list of (3, H, W), and `data_samples`.
            training: pad images of different sizes, and the maps in their samples.

        Returns:
            `inputs` float (B, 3, H, W), and `data_samples`.

        Raises:
            ValueError: in evaluation, the images have different sizes.
        """
        data = self.cast_data(data)
        images, samples = data["inputs"], data.get("data_samples")
        if self._channel_conversion and images[0].size(0) == 3:
            images = [image[[2, 1, 0], ...] for image in images]
        images = [image.float() for image in images]
        if self._enable_normalize:
            images = [(image - self.mean) / self.std for image in images]
        if training:
            images, samples = self._pad(images, samples, self.size, self.size_divisor)
            if self.batch_augments is not None:
                images, samples = self.batch_augments(images, samples)
            return {"inputs": images, "data_samples": samples}
        if len({image.shape[1:] for image in images}) > 1:
            raise ValueError(f"images of the sizes {[tuple(image.shape[1:]) for image in images]}; expected one size")
        if not self.test_cfg:
            return {"inputs": torch.stack(images), "data_samples": samples}
        images, padding = self._pad(images, None, self.test_cfg.get("size"), self.test_cfg.get("size_divisor"))
        for sample, one in zip(samples or (), padding, strict=False):
            sample.set_metainfo(one)
        return {"inputs": images, "data_samples": samples}

    def _pad(
        self, images: list[Tensor], samples: list | None, size: tuple[int, int] | None, divisor: int | None
    ) -> tuple[Tensor, list]:
        """Pad and stack images, and pad the ground truth of their samples, as mmseg does."""
        from mmseg.utils import stack_batch

        return stack_batch(images, samples, size, divisor, self.pad_val, self.seg_pad_val)


@MODELS.register_module()
class ClassPreProcessor(SegDataPreProcessor):
    """Normalise and stack images; in training also apply timm's random erasing, Mixup and CutMix.

    Args:
        mean: of each channel, for pixels from 0 to 255.
        std: of each channel.
        erase_prob: fraction of the images in which a rectangle becomes noise.
        mixup: arguments of timm's `Mixup`, label smoothing among them; ``prob=0`` mixes nothing but still smooths.
            None leaves classes as they are.
        **seg: further arguments of SegDataPreProcessor.

    Raises:
        InputError: an argument is wrong; in training, an odd number of images to mix.
    """

    @validate_arguments
    def __init__(
        self,
        mean: Annotated[Sequence[Finite], _RGB] | None = None,
        std: Annotated[Sequence[Positive], _RGB] | None = None,
        erase_prob: Probability = 0.0,
        mixup: dict | None = None,
        **seg,
    ) -> None:
        check_further_arguments(ClassPreProcessor, seg, SegDataPreProcessor)
        check_further_arguments(Mixup, mixup or {}, Mixup)
        super().__init__(mean=mean, std=std, **{"size_divisor": 1, **seg})
        self.erase_prob = erase_prob
        self.mixup = None if mixup is None else Mixup(**mixup)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Stack and normalise; in training change images and set each sample's `gt_score`.

        Args:
            data: `inputs`, a list of uint8 (3, H, W), and `data_samples` with `gt_label`.
            training: whether to erase and mix.

        Returns:
            `inputs` float (B, 3, H, W), and `data_samples`; with `mixup` these have `gt_score` (classes,), the
            probabilities to learn.
        """
        data = super().forward(data, training)
        if not training:
            return data
        inputs = data["inputs"]
        if self.erase_prob:
            inputs = RandomErasing(self.erase_prob, mode="pixel", device=inputs.device)(inputs)
        if self.mixup is not None:
            inputs, scores = self._mix(inputs, torch.stack([sample.gt_label for sample in data["data_samples"]]))
            for sample, score in zip(data["data_samples"], scores, strict=True):
                sample.gt_score = score
        return {**data, "inputs": inputs}

    def _mix(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if len(inputs) % 2:
            raise InputError(
                f"mixup: images are mixed in pairs, but the batch has {len(inputs)}; use an even batch_size"
            )
        if int(labels.max()) >= self.mixup.num_classes:
            raise InputError(
                f"mixup: num_classes={self.mixup.num_classes}, but an image is of class {int(labels.max())}; give "
                "the number of classes of the data set"
            )
        return self.mixup(inputs, labels.to(inputs.device))
