"""The learning curves of a training, from its log."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from depthkit.engine.learning_curves import write_learning_curves
from depthkit.utils.io import read_rgb


def runner(folder: Path, *lines: dict) -> SimpleNamespace:
    (folder / "run" / "vis_data").mkdir(parents=True)
    (folder / "run" / "vis_data" / "scalars.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return SimpleNamespace(work_dir=str(folder), log_dir=str(folder / "run"), max_iters=100, train_dataloader=range(50))


def trained(count: int) -> list[dict]:
    return [{"loss": 10 / i, "lr": 1e-3 / i, "iter": i, "step": i} for i in range(1, count + 1)]


def validated(*values: float) -> list[dict]:
    return [{"abs_rel": value, "images": 3, "step": epoch} for epoch, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("lines", "curves"),
    [
        ([*trained(100), *validated(0.5, 0.3)], 3),
        ([*trained(3), *validated(float("nan"), float("inf"))], 2),
        (trained(2), 2),
        (validated(0.5), 1),
        ([{"loss": float("nan"), "lr": 0.1, "iter": 1, "step": 1}], 1),
    ],
)
def test_one_curve_for_each_thing_that_was_logged(tmp_path, lines, curves) -> None:
    path = write_learning_curves(runner(tmp_path, *lines), "abs_rel", 0.3)
    assert read_rgb(path).shape == (300 * curves, 900, 3)
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["learning_curves.png"]


def test_the_best_value_is_marked(tmp_path) -> None:
    images = []
    for name, best in (("a", 0.3), ("b", 0.7), ("c", None)):
        (tmp_path / name).mkdir()
        lines = [*trained(5), *validated(0.5, 0.3)]
        images.append(read_rgb(write_learning_curves(runner(tmp_path / name, *lines), "abs_rel", best)))
    assert (images[0] != images[2]).any()
    np.testing.assert_array_equal(images[1], images[2])  # a value that never was is not marked


def test_nothing_logged_is_nothing_drawn(tmp_path) -> None:
    assert write_learning_curves(runner(tmp_path), None, None) is None
    assert not (tmp_path / "learning_curves.png").exists()
