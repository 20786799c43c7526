"""Plot what token selection costs and gains: accuracy and speed against the keep rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Panel:
    """One plot.

    Attributes:
        x_label: of the horizontal axis.
        y_label: of the vertical axis.
        curves: points (x, y) by name.
        dense: y of the dense model, drawn as a dashed line.
    """

    x_label: str
    y_label: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    dense: float | None = None


def draw_trade_off(panels: Sequence[Panel]) -> Figure:
    """Draw panels in a row as a matplotlib figure; a name has the same colour in all panels."""
    figure = Figure(figsize=(5 * len(panels), 4), layout="constrained")
    FigureCanvasAgg(figure)
    names = sorted({name for panel in panels for name in panel.curves})
    colors = {name: f"C{i}" for i, name in enumerate(names)}
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name, points in sorted(panel.curves.items()):
            axes.plot(*zip(*points, strict=True), "o-", label=name, color=colors[name])
        if panel.dense is not None:
            axes.axhline(panel.dense, linestyle="--", color="0.4", label="dense")
        axes.set_xlabel(panel.x_label)
        axes.set_ylabel(panel.y_label)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return figure
