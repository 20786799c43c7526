"""How good a model is on scenes that it has never seen, one by one, beside a constant."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from depthkit.datasets.sample import Frame
from depthkit.evaluation.metrics import depth_metrics
from depthkit.evaluation.protocol import Protocol

Predict = Callable[[np.ndarray, float | None], np.ndarray]


@dataclasses.dataclass(frozen=True)
class SceneErrors:
    """Errors on one scene, each the mean over its frames.

    Attributes:
        scene: its name.
        frames: number of frames that have valid pixels.
        metres: abs_rel of the prediction as it is.
        constant: abs_rel of one depth for all scenes.
        scaled: abs_rel after each frame was scaled to the median of its ground truth.
        frame_constant: abs_rel of each frame's own median: of a flat prediction with median scaling.
        rmse: of the prediction as it is [m].
        d1: of the prediction as it is.
        scaled_d1: after the scaling.
        ratio: median of the factors between prediction and ground truth; above 1 is too far.
    """

    scene: str
    frames: int
    metres: float
    constant: float
    scaled: float
    frame_constant: float
    rmse: float
    d1: float
    scaled_d1: float
    ratio: float


def scene_of(frame: Frame, folder: Path) -> str:
    """Return the folder that a frame is in, relative to the `folder` of all."""
    return Path(frame.name).relative_to(folder).parent.as_posix()


def evaluate_zero_shot(
    frames: Iterable[Frame], folder: Path, predict: Predict, protocol: Protocol, constant: float
) -> list[SceneErrors]:
    """Measure a model on frames, scene by scene; the last entry is the mean of the scenes.

    Args:
        frames: with depth [m]. Those without a valid pixel are left out.
        folder: that holds the files of all frames; a folder in it is a scene, whose name is the path in it.
        predict: maps an image (H, W, 3) and its focal length [px], None if unknown, to depth (H, W) [m].
        protocol: which pixels count.
        constant: what is compared with, the same depth for every pixel of every scene [m].

    Returns:
        One entry for each folder in the order of the frames, then their mean.
    """
    scenes: dict[str, list[tuple[float, ...]]] = {}
    for frame in frames:
        valid = protocol.valid_mask(frame.depth)
        if not valid.any():
            continue
        focal = None if frame.intrinsics is None else float(frame.intrinsics[0, 0])
        predicted = protocol.prepare(predict(frame.image, focal), frame.depth.shape)
        middle = float(np.median(frame.depth[valid]))
        factor = float(np.median(predicted[valid])) / middle
        scaled = protocol.prepare(predicted / factor, frame.depth.shape)
        flat = np.ones_like(predicted)
        metres, of_scaled, of_constant, of_middle = (
            depth_metrics(one, frame.depth, valid) for one in (predicted, scaled, flat * constant, flat * middle)
        )
        values = (
            metres["abs_rel"], of_constant["abs_rel"], of_scaled["abs_rel"], of_middle["abs_rel"], metres["rmse"],
            metres["d1"], of_scaled["d1"], factor,
        )  # fmt: skip
        scenes.setdefault(scene_of(frame, folder), []).append(values)
    found = [
        SceneErrors(scene, len(rows), *np.mean(rows, axis=0)[:-1].tolist(), ratio=float(np.median(rows, axis=0)[-1]))
        for scene, rows in scenes.items()
    ]
    means = np.mean([dataclasses.astuple(one)[2:] for one in found], axis=0).tolist() if found else []
    return [*found, SceneErrors("mean of the scenes", sum(one.frames for one in found), *means)] if found else []


def zero_shot_table(scenes: Iterable[SceneErrors]) -> str:
    """Return the results as a table in Markdown."""
    lines = [
        "| scene | frames | metres | constant | median scaling | constant | RMSE [m] | d1 | d1, median scaling | "
        "predicted / true |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in scenes:
        errors = (one.metres, one.constant, one.scaled, one.frame_constant, one.rmse, one.d1, one.scaled_d1)
        lines.append(f"| {one.scene} | {one.frames} | {' | '.join(f'{e:.3f}' for e in errors)} | {one.ratio:.2f} |")
    return "\n".join(lines)
