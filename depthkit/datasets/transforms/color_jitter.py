"""Random changes of a picture's colours."""

import cv2
import numpy as np
from mmcv.transforms.base import BaseTransform

from depthkit.datasets.transforms.checks import check_probability
from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS

# OpenCV's 8-bit hue goes round in 180 steps.
_HUE_STEPS = 180


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue at random, with probability `prob`; depth stays.

    The first three are factors from [1 - x, 1 + x]; `hue` is a turn of the colour circle from [-x, x], x <=
    0.5.
    """

    def __init__(
        self,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.05,
        prob: float = 0.8,
    ) -> None:
        for name, value, limit in (
            ("brightness", brightness, 1.0),
            ("contrast", contrast, 1.0),
            ("saturation", saturation, 1.0),
            ("hue", hue, 0.5),
        ):
            if not 0 <= value <= limit:
                raise InputError(f"ColorJitter({name}={value}): expected between 0 and {limit:g}")
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.prob = check_probability(prob, "ColorJitter")

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
    """Mix with the grey picture by `saturation`, then turn the hue."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    image = cv2.addWeighted(image, saturation, grey, 1 - saturation, 0)
    steps = round(turn * _HUE_STEPS)
    if steps == 0:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + steps) % _HUE_STEPS
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
