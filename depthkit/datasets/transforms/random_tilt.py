"""A random turn of the camera about its own centre, which needs no knowledge of what it does not see."""

from typing import Annotated

import cv2
import numpy as np
from mmcv.transforms.base import BaseTransform
from pydantic import Field

from depthkit.datasets.transforms.checks import check_pair
from depthkit.registry import TRANSFORMS
from depthkit.utils.validation import Probability, validate_arguments

STEEPEST = 0.2  # where the ratio of the new depth to the old one is above 1 / STEEPEST, the depth is left out
Angle = Annotated[float, Field(ge=0, le=45, allow_inf_nan=False)]


@TRANSFORMS.register_module()
class RandomTilt(BaseTransform):
    """Turn the camera at random; the size and the intrinsics stay, and the depth follows exactly.

    A camera that turns by R sees the point at the pixel x of the old image at K R K^-1 x, and a point of depth Z on
    the ray r = K^-1 x is then at depth Z (R r)_z. Where the new view is beyond the old image, the image is mirrored at
    its border and the depth is 0 (no measurement), as it is where a point would be more than five times as deep as
    before, or behind the old camera. An image without intrinsics is left as it is.

    Args:
        roll, tilt: the angles are normal random numbers of these stds [degrees]: roll about the optical axis,
            tilt about each of the image's two axes.
        prob: probability of turning.

    Raises:
        InputError: an argument out of range.
    """

    @validate_arguments
    def __init__(self, roll: Angle = 5.0, tilt: Angle = 5.0, prob: Probability = 0.5) -> None:
        self.stds = np.radians([tilt, tilt, roll])
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Return the sample as the turned camera sees it."""
        height, width = check_pair(results, "RandomTilt")
        if "intrinsics" not in results or np.random.rand() >= self.prob:
            return results
        turn, _ = cv2.Rodrigues(np.random.normal(0, 1, 3) * self.stds)
        camera = results["intrinsics"]
        # From pixels of the new image to those of the old one: warpPerspective reads the image that way.
        back = camera @ turn.T @ np.linalg.inv(camera)
        inverse = cv2.WARP_INVERSE_MAP
        results["img"] = cv2.warpPerspective(
            results["img"], back, (width, height), flags=cv2.INTER_LINEAR | inverse, borderMode=cv2.BORDER_REFLECT_101
        )
        if "gt_depth_map" in results:
            old = cv2.warpPerspective(
                results["gt_depth_map"], back, (width, height), flags=cv2.INTER_NEAREST | inverse,
                borderMode=cv2.BORDER_CONSTANT, borderValue=0,
            )  # fmt: skip
            x, y = np.meshgrid(np.arange(width), np.arange(height))
            rays = np.linalg.inv(camera) @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
            # (R r)_z of the old ray is 1 / (R^T r')_z of the new one, both of length 1 along their optical axes.
            along = (turn.T @ rays)[2].reshape(height, width)
            new = np.where(along > STEEPEST, old / np.maximum(along, STEEPEST), 0)
            results["gt_depth_map"] = new.astype(np.float32)
        return results
