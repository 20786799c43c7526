from pathlib import Path

import numpy as np
import pytest

from depthkit.analysis.zero_shot import evaluate_zero_shot, zero_shot_table
from depthkit.datasets.sample import Frame
from depthkit.evaluation import get_protocol
from depthkit.utils.camera import focal_intrinsics

DATA = Path("data")
FULL = get_protocol("full")


def frame(scene: str, depth: list[float], focal: float = 100.0) -> Frame:
    depth = np.array([depth], np.float32)
    image = np.zeros((*depth.shape, 3), np.uint8)
    return Frame(image, depth, focal_intrinsics(focal, depth.shape), f"data/{scene}/0.jpg")


def test_two_scenes_by_hand():
    frames = [frame("near", [1, 1, 2, 0]), frame("far", [4, 4, 4, 4], 200.0), frame("empty", [0, 0, 0, 0])]
    near, far, mean = evaluate_zero_shot(
        frames, DATA, lambda image, focal: np.full((1, 4), focal / 50), FULL, constant=1.0
    )
    # Predicted 2 m: |2 - (1, 1, 2)| / (1, 1, 2); the median of the ground truth is 1, so the factor is 2.
    assert (near.scene, near.frames) == ("near", 1)
    assert near.metres == pytest.approx(2 / 3) and near.constant == pytest.approx(0.5 / 3)
    assert near.scaled == near.frame_constant == pytest.approx(0.5 / 3)
    assert (near.ratio, near.d1) == (pytest.approx(2), pytest.approx(1 / 3))
    # Predicted 4 m: right; the constant 1 m is wrong by 3/4.
    assert (far.metres, far.constant, far.scaled, far.rmse, far.d1) == pytest.approx((0, 0.75, 0, 0, 1))
    assert (mean.scene, mean.frames) == ("mean of the scenes", 2)
    assert mean.metres == pytest.approx(1 / 3) and mean.ratio == pytest.approx(1.5)
    lines = zero_shot_table([near, far, mean]).splitlines()
    assert lines[3] == "| far | 1 | 0.000 | 0.750 | 0.000 | 0.000 | 0.000 | 1.000 | 1.000 | 1.00 |"
    assert len({line.count("|") for line in lines}) == 1


def test_nothing_to_measure():
    assert evaluate_zero_shot([frame("empty", [0, 0])], DATA, lambda *_: np.ones((1, 2)), FULL, 1.0) == []


def test_scenes_are_called_by_their_path():
    frames = [frame("kitchen/rgb", [1, 1]), frame("office/rgb", [2, 2])]
    scenes = evaluate_zero_shot(frames, DATA, lambda *_: np.ones((1, 2)), FULL, 1.0)
    assert [one.scene for one in scenes] == ["kitchen/rgb", "office/rgb", "mean of the scenes"]
