"""A predictor that costs nothing, for tests of what is around it: depth is the red value in decimetres."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from depthkit.errors import InputError

if TYPE_CHECKING:
    from depthkit.distributed.plan import Plan
    from depthkit.distributed.shard_work import Work


class LightPredictor:
    """Stands in for `DepthPredictor`; takes `seconds` for each image, and ends its process at a `deadly` red value."""

    kind = "metric"
    can_follow_focal = False

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.deadly: int | None = None
        self.calls: list[int] = []

    def __call__(self, images: list, focal: object = None, batch_size: int = 8) -> list:
        from depthkit.apis.result import DepthResult

        if focal == "exif":
            raise InputError(f"{images[0].name}: has no focal length in its EXIF")
        if any(image.rgb.flat[0] == self.deadly for image in images):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.seconds * len(images))
        self.calls.append(len(images))
        return [
            DepthResult(one.rgb[..., 0].astype(np.float32) / 10, one.rgb, reduction=one.reduction) for one in images
        ]


class LightModel:
    """Stands in for `ModelSource`."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.weights = folder / "weights"
        self.weights.write_bytes(b"none")
        self.seconds = seconds
        self.problem: str | None = None
        self.deadly: int | None = None

    def describe(self) -> dict:
        """Say which model this is."""
        return {"weights": "none"}

    def load(self, device: str, content: bytes) -> LightPredictor:
        """Return the predictor, or raise `problem` if there is one."""
        assert content == b"none"
        if self.problem is not None:
            raise InputError(self.problem)
        predictor = LightPredictor(self.seconds)
        predictor.deadly = self.deadly
        return predictor


def prepare(
    address: object, output: object, format: str = "webdataset", per_shard: int = 100, **changes: object
) -> "tuple[Plan, Work]":
    """Return the plan of a data set, and what to do with it."""
    from depthkit.distributed.plan import make_plan
    from depthkit.distributed.shard_work import Work
    from depthkit.utils.storage import Place

    plan = make_plan(str(address), per_shard)
    work = Work(plan.folder, plan.form, None, Place(output), format, None, None, batch_size=3, threads=2)
    return plan, replace(work, **changes)
