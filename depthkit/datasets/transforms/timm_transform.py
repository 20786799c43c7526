"""timm's transforms for classification, in a pipeline of ours."""

import math

from mmcv.transforms.base import BaseTransform
from PIL import Image, ImageOps
from timm.data import create_transform

from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS

# The part of the resized picture that the evaluation's crop takes: 224 of 256 pixels.
CROP_PART = 0.875


@TRANSFORMS.register_module()
class TimmTransform(BaseTransform):
    """What timm's `create_transform` makes for ImageNet: crops and augmentation, or the evaluation's crop.

    Random ones draw from `random`, numpy and torch, which mmengine seeds in each worker. Values stay uint8:
    normalisation, random erasing and mixing are the model's preprocessor's
    (`ClassPreProcessor`), on the batch and on its device.

    Args:
        img_size: side [px] of the square result.
        is_training: a random resized crop and mirroring; else the shorter side is resized to
            ``floor(img_size / 0.875)`` (256 for 224, 329 for 288) and the middle cut out.
        interpolation: of both.
        **timm: further arguments of `create_transform` (``auto_augment``, ``scale``, ``color_jitter``); none
            in evaluation.

    Raises:
        InputError: `img_size` is no positive whole number, or augmentation is asked for in evaluation.
    """

    def __init__(self, img_size: int = 224, is_training: bool = False, interpolation: str = "bicubic", **timm) -> None:
        if not isinstance(img_size, int) or img_size < 1:
            raise InputError(f"TimmTransform(img_size={img_size!r}): expected the side of a square in pixels")
        if timm and not is_training:
            raise InputError(f"TimmTransform: {', '.join(timm)} are for training; add is_training=True or leave out")
        self.img_size = img_size
        self.is_training = is_training
        self.interpolation = interpolation
        part = {} if is_training else {"crop_pct": CROP_PART}
        self.apply = create_transform(
            img_size, is_training=is_training, interpolation=interpolation, normalize=False, **part, **timm
        )
        for step in self.apply.transforms:
            _keep_one_bit(step)

    @property
    def description(self) -> str:
        """One line for people, to be printed beside every result."""
        if self.is_training:
            return f"random resized crop to {self.img_size} px ({self.interpolation})"
        resized = math.floor(self.img_size / CROP_PART)
        return (
            f"resize to {resized} px (shorter side, {self.interpolation}, Pillow), centre crop {self.img_size} px "
            f"(crop_pct {CROP_PART}), ImageNet mean and deviation"
        )

    def transform(self, results: dict) -> dict:
        """Return the sample with another `img`, uint8 (H, W, 3)."""
        picture = self.apply(Image.fromarray(results["img"]))
        image = picture.permute(1, 2, 0).numpy()
        return {**results, "img": image, "img_shape": image.shape[:2]}


def _keep_one_bit(step: object) -> None:
    """Let an automatic augmentation of timm's keep a bit when it posterizes: at the highest magnitudes it asks for 0,
    which was a black picture, and which Pillow 13 refuses."""
    ops = [*getattr(step, "ops", []), *(op for policy in getattr(step, "policy", []) for op in policy)]
    for op in ops:
        if op.name.startswith("Posterize"):
            op.aug_fn = _posterize


def _posterize(picture: Image.Image, bits: int, **_) -> Image.Image:
    return ImageOps.posterize(picture, min(max(bits, 1), 8))
