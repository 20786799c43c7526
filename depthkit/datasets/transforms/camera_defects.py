"""Random flaws of cheap cameras, for training images that are too clean."""

import cv2
import numpy as np
from mmcv.transforms.base import BaseTransform

from depthkit.registry import TRANSFORMS
from depthkit.utils.validation import Probability, validate_arguments


@TRANSFORMS.register_module()
class CameraDefects(BaseTransform):
    """Give an image a camera's tint, tone, blur, noise and JPEG blocks; depth stays.

    Tint and tone are changed together, so there are four changes; each has its own random strength, from none to
    clearly visible.

    Args:
        prob: probability of each of the four.
        grey: probability that the image becomes grey.

    Raises:
        InputError: an argument is not a probability.
    """

    @validate_arguments
    def __init__(self, prob: Probability = 0.5, grey: Probability = 0.05) -> None:
        self.prob = prob
        self.grey = grey

    def transform(self, results: dict) -> dict:
        """Return the sample with another `img`."""
        image = results["img"]
        for change in (_tone, _blur, _noise, _jpeg):
            if np.random.rand() < self.prob:
                image = change(image)
        if np.random.rand() < self.grey:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        results["img"] = image
        return results


def _tone(image: np.ndarray) -> np.ndarray:
    """Change white balance, exposure and gamma of the three channels, by one table for each."""
    levels = np.arange(256, dtype=np.float32) / 255
    gains = np.exp(np.random.normal(0, 0.1, 3) + np.random.normal(0, 0.3))  # up to white and nearly black
    gamma, black = np.exp(np.random.normal(0, 0.25)), max(0.0, np.random.normal(0, 0.04))
    tables = [black + (1 - black) * gain * levels**gamma for gain in gains]
    tables = np.stack([np.clip(np.rint(255 * table), 0, 255) for table in tables], axis=-1).astype(np.uint8)
    return cv2.LUT(image, tables[None])


def _blur(image: np.ndarray) -> np.ndarray:
    """Blur by a lens out of focus, or along a line by motion; or lose resolution."""
    kind = np.random.rand()
    if kind < 0.4:
        return cv2.GaussianBlur(image, (0, 0), np.random.uniform(0.3, 1.4))
    if kind < 0.7:
        height, width = image.shape[:2]
        factor = np.random.uniform(0.4, 0.9)
        size = [max(1, round(side * factor)) for side in (width, height)]
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    side = 2 * np.random.randint(1, 4) + 1
    angle, kernel = np.random.uniform(0, np.pi), np.zeros((side, side), np.float32)
    reach = (side - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple(np.rint((side - 1) / 2 + sign * reach).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(kernel, *ends, 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def _noise(image: np.ndarray) -> np.ndarray:
    """Add noise that is alike in neighbouring pixels, as a sensor's is after its colours are worked out."""
    noise = np.random.randn(*image.shape).astype(np.float32)
    if np.random.rand() < 0.5:
        noise = 1.8 * cv2.GaussianBlur(noise, (0, 0), 0.7)
    strength = np.exp(np.random.uniform(np.log(1.0), np.log(12.0)))
    return np.clip(image + strength * noise, 0, 255).astype(np.uint8)


def _jpeg(image: np.ndarray) -> np.ndarray:
    """Store as JPEG and read again."""
    _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, np.random.randint(25, 95)])
    return cv2.imdecode(code, cv2.IMREAD_COLOR)
