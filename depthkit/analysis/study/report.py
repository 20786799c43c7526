"""What a study found: means with standard errors, differences in pairs, a table and a plot."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from depthkit.analysis.depth_difference import Mean, mean_of
from depthkit.analysis.study.variants import Variant

SHOWN = ("abs_rel", "rmse", "d1", "boundary_f1", "edge_abs_rel")


def summarise(
    variants: Sequence[Variant],
    results: Sequence[Mapping[str, Any]],
    macs: Mapping[str, int],
    times: Mapping[str, Mapping[str, Mapping[str, float]]],
    protocol: str,
) -> list[dict[str, Any]]:
    """Return for each variant what was measured under a protocol.

    Args:
        variants: the first is the baseline.
        results: of finished runs, see `depthkit.analysis.study.runs.execute`.
        macs: by variant; may lack some, as `times`.
        times: by runtime and variant, see `measure_times`.
        protocol: one of those in the results.

    Returns:
        A dict for each variant: ``name``, ``curve``, ``runs`` (number), ``macs``, ``times`` (by runtime), and by metric
        ``metrics`` (`Mean`) and ``differences`` (`Mean` of metric / baseline - 1 over the runs with the same seed and
        fold; None where there is none).
    """
    measured: dict[str, dict[tuple[int, str], Mapping[str, float]]] = {variant.name: {} for variant in variants}
    for result in results:
        measured[result["variant"]][result["seed"], result["fold"]] = result["metrics"][protocol]
    base = measured[variants[0].name]
    rows = []
    for variant in variants:
        own = measured[variant.name]
        metrics, differences = {}, {}
        for name in SHOWN:
            values = {key: one[name] for key, one in own.items() if name in one}
            pairs = [value / base[key][name] - 1 for key, value in values.items() if base.get(key, {}).get(name)]
            metrics[name] = mean_of(list(values.values())) if values else None
            differences[name] = mean_of(pairs) if pairs else None
        row = dict(name=variant.name, curve=variant.curve or variant.name, runs=len(own), macs=macs.get(variant.name))
        row["times"] = {runtime: one[variant.name] for runtime, one in times.items() if variant.name in one}
        rows.append({**row, "metrics": metrics, "differences": differences})
    return rows


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return `summarise`'s rows as a table in Markdown.

    +- is the standard error over runs; differences from the baseline are of runs in pairs. In brackets behind a time is
    the speed-up over the baseline in the same round.
    """
    runtimes = list(dict.fromkeys(runtime for row in rows for runtime in row["times"]))
    titles = ["variant", "runs", "GMACs", *(f"{one} [ms]" for one in runtimes), *SHOWN]
    titles += [f"{name} against baseline [%]" for name in SHOWN]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for row in rows:
        cells = [row["name"], str(row["runs"]), "" if row["macs"] is None else f"{row['macs'] / 1e9:.2f}"]
        for runtime in runtimes:
            time = row["times"].get(runtime)
            cells.append("" if time is None else f"{time['ms']:.1f} ({time['speedup']:.2f}x)")
        cells += [_cell(row["metrics"][name], 1, 4) for name in SHOWN]
        cells += [_cell(row["differences"][name], 100, 1) for name in SHOWN]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(rows: Sequence[Mapping[str, Any]], runtime: str) -> Figure:
    """Draw metrics over the time in a runtime, with standard errors; points of one curve are joined."""
    shown = [name for name in SHOWN if any(row["metrics"][name] for row in rows)]
    figure = Figure(figsize=(5.5 * max(len(shown), 1), 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    colors = {curve: f"C{i}" for i, curve in enumerate(dict.fromkeys(row["curve"] for row in rows))}
    for axes, name in zip(figure.subplots(1, max(len(shown), 1), squeeze=False)[0], shown, strict=False):
        for curve, color in colors.items():
            of = [row for row in rows if row["curve"] == curve and row["metrics"][name] and runtime in row["times"]]
            points = sorted((row["times"][runtime]["ms"], *row["metrics"][name]) for row in of)
            if points:
                times, means, errors = zip(*points, strict=True)
                bars = [error or 0.0 for error in errors]
                axes.errorbar(times, means, bars, fmt="o-", color=color, label=curve, capsize=2)
        axes.set_xlabel(f"{runtime}, ms per image" if runtime != "training" else "ms per step of training")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
    return figure


def _cell(value: Mean | None, factor: float, digits: int) -> str:
    if value is None:
        return ""
    error = "" if value.error is None else f" +- {factor * value.error:.{digits}f}"
    return f"{factor * value.mean:.{digits}f}{error}"
