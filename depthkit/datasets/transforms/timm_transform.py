"""timm's transforms for classification, as a step of our pipelines."""

import math
from typing import Literal

from mmcv.transforms.base import BaseTransform
from PIL import Image, ImageOps
from timm.data import create_transform

from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS
from depthkit.utils.validation import Count, find_wrong_argument, validate_arguments

# The evaluation's crop is this fraction of the resized image: 224 of 256 pixels.
CROP_FRACTION = 0.875


@TRANSFORMS.register_module()
class TimmTransform(BaseTransform):
    """Apply what timm's `create_transform` makes for ImageNet: augmentation, or the evaluation's crop.

    Random steps draw from `random`, numpy and torch, which mmengine seeds in each worker. Values stay uint8: the
    model's preprocessor (`ClassPreProcessor`) normalises, erases and mixes whole batches on the model's device.

    Args:
        img_size: side [px] of the square result.
        is_training: random resized crop and mirroring; otherwise the shorter side is resized to
            ``floor(img_size / 0.875)`` (256 for 224, 329 for 288) and the centre cut out.
        interpolation: of both; ``random`` only in training.
        **timm: further arguments of `create_transform` (``auto_augment``, ``scale``, ``color_jitter``); only in
            training.

    Raises:
        InputError: an argument out of range, or augmentation without `is_training`.
    """

    @validate_arguments
    def __init__(
        self,
        img_size: Count = 224,
        is_training: bool = False,
        interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "random"] = "bicubic",
        **timm,
    ) -> None:
        training_only = [*timm, *(["interpolation='random'"] if interpolation == "random" else [])]
        if training_only and not is_training:
            raise InputError(
                f"TimmTransform: {', '.join(training_only)}: work only with is_training=True; set it, or remove them"
            )
        given = {name: value for name, value in timm.items() if value is not None}  # None: timm leaves the step out
        if found := find_wrong_argument(create_transform, given):
            raise InputError(found)
        self.img_size = img_size
        self.is_training = is_training
        self.interpolation = interpolation
        crop = {} if is_training else {"crop_pct": CROP_FRACTION}
        self.apply = create_transform(
            img_size, is_training=is_training, interpolation=interpolation, normalize=False, **crop, **timm
        )
        for step in self.apply.transforms:
            _keep_one_bit(step)

    @property
    def description(self) -> str:
        """One line that is printed beside every result."""
        if self.is_training:
            return f"random resized crop to {self.img_size} px ({self.interpolation})"
        resized = math.floor(self.img_size / CROP_FRACTION)
        return (
            f"resize to {resized} px (shorter side, {self.interpolation}, Pillow), centre crop {self.img_size} px "
            f"(crop_pct {CROP_FRACTION}), ImageNet mean and std"
        )

    def transform(self, results: dict) -> dict:
        """Return the sample with another `img`, uint8 (H, W, 3)."""
        image = self.apply(Image.fromarray(results["img"])).permute(1, 2, 0).numpy()
        return {**results, "img": image, "img_shape": image.shape[:2]}


def _keep_one_bit(step: object) -> None:
    """Keep timm's posterizing from leaving 0 bits, as it does at the highest magnitudes.

    The result would be a black image, and Pillow 13 refuses it.
    """
    ops = [*getattr(step, "ops", []), *(op for policy in getattr(step, "policy", []) for op in policy)]
    for op in ops:
        if op.name.startswith("Posterize"):
            op.aug_fn = _posterize


def _posterize(image: Image.Image, bits: int, **_) -> Image.Image:
    return ImageOps.posterize(image, min(max(bits, 1), 8))
