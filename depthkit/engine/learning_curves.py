"""Loss, metric and learning rate of a whole training in one image."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.runner import Runner

from depthkit.engine.scalar_log import LogEntry, ScalarLog
from depthkit.utils.output_file import atomic_path

FILE = "learning_curves.png"
_SIZE, _DPI = (9.0, 3.0), 100  # [inches] of one curve
_SMOOTHED_FROM = 60  # points; fewer are drawn as they are
_BLUE, _ORANGE = "tab:blue", "tab:orange"

Curve = tuple[np.ndarray, np.ndarray]


def write_learning_curves(runner: Runner, metric: str | None, best: float | None) -> Path | None:
    """Draw loss, metric and learning rate against the iteration to ``work_dir/learning_curves.png``.

    They are those of the log, so a resumed training has its whole curves, also those of earlier runs.

    Args:
        runner: the Runner of a training that has ended.
        metric: which one of the validation; None for the first.
        best: its best value, to be marked.

    Returns:
        The file; None where nothing was logged.
    """
    entries = list(ScalarLog(runner).read())
    metrics = [name for entry in entries if entry.split == "val" for name in entry.values]
    metric = metric if metric in metrics else next(iter(metrics), None)
    # Where layers have rates of their own, base_lr is the one that the config names.
    rate = "base_lr" if any("base_lr" in entry.values for entry in entries) else "lr"
    shown = {"loss": ("train", "loss"), metric: ("val", metric), "learning rate": ("train", rate)}
    curves = {name: _curve(entries, *source) for name, source in shown.items()}
    curves = {name: curve for name, curve in curves.items() if len(curve[0])}
    if not curves:
        return None
    figure = Figure(figsize=(_SIZE[0], _SIZE[1] * len(curves)), dpi=_DPI, layout="constrained")
    areas = figure.subplots(len(curves), sharex=True, squeeze=False)[:, 0]
    for area, (name, curve) in zip(areas, curves.items(), strict=True):
        _draw(area, name, curve, best if name == metric else None)
    areas[-1].set_xlabel("iteration")
    length = len(runner.train_dataloader)
    epochs = areas[0].secondary_xaxis("top", functions=(lambda x: x / length, lambda x: x * length))
    epochs.set_xlabel("epoch")
    path = Path(runner.work_dir) / FILE
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)
    return path


def _curve(entries: Sequence[LogEntry], split: str, name: str) -> Curve:
    """Return iterations and values of a scalar, where it is finite."""
    points = [
        (entry.iteration, entry.values[name]) for entry in entries if entry.split == split and name in entry.values
    ]
    points = [point for point in points if math.isfinite(point[1])]
    return tuple(np.array(points, float).reshape(-1, 2).T)


def _draw(area: Axes, name: str, curve: Curve, best: float | None) -> None:
    steps, values = curve
    if name == "loss" and len(values) >= _SMOOTHED_FROM:
        window = len(values) // 20
        smooth = np.convolve(values, np.full(window, 1 / window), "valid")
        area.plot(steps, values, color=_BLUE, alpha=0.3, linewidth=0.8)
        area.plot(steps[window // 2 :][: len(smooth)], smooth, color=_BLUE, label=f"mean of {window}")
        area.legend()
    else:
        area.plot(steps, values, color=_BLUE, marker="o" if len(values) < _SMOOTHED_FROM else None, markersize=3)
    if values.min() > 0 and values.max() > 20 * values.min():
        area.set_yscale("log")
    if best is not None and (at := np.flatnonzero(np.isclose(values, best, rtol=1e-6))).size:
        area.plot(steps[at[0]], values[at[0]], "*", color=_ORANGE, markersize=12, label=f"best: {best:.4g}")
        area.legend()
    area.set_ylabel(name)
    area.grid(alpha=0.3)
