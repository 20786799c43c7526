"""Random changes of an image's colours."""

from typing import Annotated

import cv2
import numpy as np
from mmcv.transforms.base import BaseTransform
from pydantic import Field

from depthkit.registry import TRANSFORMS
from depthkit.utils.validation import Probability, validate_arguments

# OpenCV's 8-bit hue has 180 steps in a full turn.
_HUE_STEPS = 180


# Why not torchvision's: it draws and rounds differently, so trainings would no longer repeat to the last digit.
@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue at random; depth stays.

    Args:
        brightness: factors are drawn from [1 - x, 1 + x].
        contrast: likewise.
        saturation: likewise.
        hue: turns of the colour circle are drawn from [-x, x], with x up to 0.5.
        prob: probability of any change.

    Raises:
        InputError: an argument out of range.
    """

    @validate_arguments
    def __init__(
        self,
        brightness: Probability = 0.2,
        contrast: Probability = 0.2,
        saturation: Probability = 0.2,
        hue: Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)] = 0.05,
        prob: Probability = 0.8,
    ) -> None:
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Return the sample with other colours in `img`."""
        if np.random.rand() >= self.prob:
            return results
        brightness, contrast, saturation = (
            np.random.uniform(1 - spread, 1 + spread) for spread in (self.brightness, self.contrast, self.saturation)
        )
        turn = np.random.uniform(-self.hue, self.hue)
        image = _adjust_levels(results["img"], brightness, contrast)
        results["img"] = _adjust_colors(image, saturation, turn)
        return results


def _adjust_levels(image: np.ndarray, brightness: float, contrast: float) -> np.ndarray:
    """Scale all values, then their distance to the mean grey level; one table does both."""
    mean = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean() * brightness
    levels = (np.arange(256) * brightness - mean) * contrast + mean
    return cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def _adjust_colors(image: np.ndarray, saturation: float, turn: float) -> np.ndarray:
    """Mix with the grey image by `saturation`, then turn the hue."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    image = cv2.addWeighted(image, saturation, grey, 1 - saturation, 0)
    steps = round(turn * _HUE_STEPS)
    if steps == 0:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + steps) % _HUE_STEPS
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
