"""The network's input of an image, by the transforms of a config."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from depthkit.datasets.sample import make_sample
from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS
from depthkit.utils.camera import pinhole
from depthkit.utils.config_errors import config_errors


def build_transforms(config: Config, name: str) -> list[Callable]:
    """Build the `test_pipeline` of the config that is called `name`.

    Raises:
        InputError: the config has no such pipeline, or it cannot be built.
    """
    if "test_pipeline" not in config:
        raise InputError(f"{name}: has no test_pipeline, which says how an image becomes the network's input")
    with config_errors(name, "test_pipeline"):
        return [TRANSFORMS.build(transform) for transform in config.test_pipeline]


def make_input(transforms: Sequence[Callable], preprocessor: nn.Module, rgb: np.ndarray, name: str = "") -> dict:
    """Transform and normalise an image.

    Args:
        transforms: of the config's test_pipeline.
        preprocessor: of the model's data.
        rgb: uint8 RGB (H, W, 3).
        name: of the image, for messages.

    Returns:
        ``inputs`` (1, 3, h, w), normalised, on the preprocessor's device, and ``data_samples``, whose `intrinsics` are
        those of an image of focal length 1 px.
    """
    height, width = rgb.shape[:2]
    sample = make_sample(rgb, name, intrinsics=pinhole(1.0, 1.0, (width - 1) / 2, (height - 1) / 2))
    for transform in transforms:
        sample = transform(sample)
    batch = {"inputs": [sample["inputs"]], "data_samples": [sample["data_samples"]]}
    with torch.inference_mode():
        return preprocessor(batch, False)


def input_size(transforms: Sequence[Callable], divisor: int) -> tuple[int, int]:
    """Return height and width [px] of the padded network's input of an image of 640 x 480 px."""
    sample = make_sample(np.zeros((480, 640, 3), np.uint8), "", intrinsics=pinhole(1.0, 1.0, 319.5, 239.5))
    sample["gt_label"] = 0  # for the pipeline of a classifier
    for transform in transforms:
        sample = transform(sample)
    height, width = (-(-side // divisor) * divisor for side in sample["inputs"].shape[-2:])
    return height, width
