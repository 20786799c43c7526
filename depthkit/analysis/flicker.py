"""How much the depth of a video flickers, and what smoothing over time makes of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from depthkit.apis.result import DepthResult
from depthkit.datasets.sample import Frame
from depthkit.evaluation.metrics import depth_metrics
from depthkit.evaluation.protocol import get_protocol
from depthkit.video.frame_depth import FrameDepth
from depthkit.video.smoothing import REACH, smooth

Predict = Callable[[np.ndarray, float | None], DepthResult]
_SAME = 6.0  # [grey levels] that a blurred image may change by where nothing happens
_BLUR = 2.0  # [px], std of the blur, which takes the noise of a sensor away
_FEWEST = 100  # [px] without change that two frames need to be compared


@dataclass(frozen=True)
class Flicker:
    """How much depth changes from frame to frame where nothing happens.

    Attributes:
        points: mean change of a point's depth [%].
        whole: mean change of the whole frame's depth, the median of its points [%].
        pairs: number of consecutive frames that could be compared.
        abs_rel: mean of the frames, of the prediction in metres; NaN without ground truth.
        scaled: the same, after each frame was scaled to the median of its ground truth.
        bias: median of all frames' median of log(predicted / true), which smoothing must not change; NaN without.
    """

    points: float
    whole: float
    pairs: int
    abs_rel: float
    scaled: float
    bias: float


class FlickerMeter:
    """Measures flicker over frames that are added in their order.

    Flicker is the mean of ``|e(t) - e(t-1)|`` in percent, over consecutive frames and over the pixels whose image did
    not change: blurred, by less than 6 grey levels in each channel. e is log(predicted); where there is ground truth,
    log(predicted / true), because a camera that moves changes the true depth of a pixel too.
    """

    def __init__(self) -> None:
        self._protocol = get_protocol("full")
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self._points: list[float] = []
        self._whole: list[float] = []
        self._errors: list[tuple[float, float, float]] = []

    def add(self, image: np.ndarray, depth: np.ndarray, truth: np.ndarray | None = None) -> None:
        """Count a frame: uint8 RGB (H, W, 3), its predicted and its true depth (H, W) [m], 0 where unknown."""
        known = depth > 0
        if truth is not None:
            known &= self._protocol.valid_mask(truth)
        error = np.full(depth.shape, np.nan)
        error[known] = np.log(depth[known] / (1.0 if truth is None else truth[known]))
        blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), _BLUR)
        if self._before is not None:
            same = (np.abs(blurred - self._before[0]) < _SAME).all(axis=2)
            change = (error - self._before[1])[same]
            change = change[np.isfinite(change)]
            if change.size >= _FEWEST:
                self._points.append(float(np.abs(change).mean()))
                self._whole.append(float(abs(np.median(change))))
        self._before = blurred, error
        if truth is not None and known.any():
            bias = float(np.median(error[known]))
            scaled = depth_metrics(depth / np.exp(bias), truth, known)
            self._errors.append((depth_metrics(depth, truth, known)["abs_rel"], scaled["abs_rel"], bias))

    def result(self) -> Flicker:
        """Return the means over what was added; NaN where nothing could be measured."""
        points, whole = (100 * float(np.mean(one)) if one else np.nan for one in (self._points, self._whole))
        errors = np.array(self._errors) if self._errors else np.full((1, 3), np.nan)
        abs_rel, scaled, _ = errors.mean(axis=0).tolist()
        return Flicker(points, whole, len(self._points), abs_rel, scaled, float(np.median(errors[:, 2])))


def compare_smoothing(
    frames: Iterable[Frame], predict: Predict, has_truth: bool, reach: int = REACH
) -> tuple[Flicker, Flicker]:
    """Measure the flicker of a model on the frames of one video, as it is and smoothed (`smooth`).

    Args:
        frames: consecutive.
        predict: a `DepthPredictor` of metres.
        has_truth: whether the frames have ground truth.
        reach: of the smoothing.
    """
    before, after = FlickerMeter(), FlickerMeter()
    truths: dict[int, np.ndarray | None] = {}  # of the frames that the smoothing still holds

    def predicted() -> Iterable[FrameDepth]:
        for index, frame in enumerate(frames):
            focal = None if frame.intrinsics is None else float(frame.intrinsics[0, 0])
            result = predict(frame.image, focal)
            truths[index] = frame.depth if has_truth else None
            before.add(frame.image, result.depth, truths[index])
            yield FrameDepth(index, Fraction(index), result)

    for one in smooth(predicted(), reach):
        after.add(one.result.image, one.result.depth, truths.pop(one.index))
    return before.result(), after.result()


def still_frames(frame: Frame, count: int, noise: float, seed: int = 0) -> Iterable[Frame]:
    """Yield one frame again and again, each time with other noise (normal, std `noise` [grey levels])."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        image = np.rint(frame.image + rng.normal(0, noise, frame.image.shape))
        yield frame._replace(image=np.clip(image, 0, 255).astype(np.uint8))


def flicker_table(rows: Iterable[tuple[str, Flicker]]) -> str:
    """Return named results as a table in Markdown."""
    lines = [
        "| | points [%] | whole frame [%] | frames compared | abs_rel | scaled | bias |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in rows:
        errors = " | ".join(f"{value:.4f}" for value in (one.abs_rel, one.scaled, one.bias))
        lines.append(f"| {name} | {one.points:.2f} | {one.whole:.2f} | {one.pairs} | {errors} |")
    return "\n".join(lines)
