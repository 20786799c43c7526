"""What a study found: means with standard errors, differences in pairs, a table and a plot."""

import itertools
import math
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
        A dict for each variant: ``name``, ``curve``, ``runs`` (number), ``shared`` (names of the runs that all
        variants with a result have), ``macs``, ``times`` (by runtime), ``by_run`` (the metrics of each run, by its
        name), and by metric ``metrics`` (`Mean` over the shared runs that have it; folds are not equally hard, so means
        over others could not be compared), ``differences`` (`Mean` of metric / baseline - 1 over all runs with the same
        seed and fold) and ``pairs`` (their number). Means are None over nothing.
    """
    measured: dict[str, dict[tuple[int, str], Mapping[str, float]]] = {variant.name: {} for variant in variants}
    for result in results:
        measured[result["variant"]][result["seed"], result["fold"]] = result["metrics"][protocol]
    base = measured[variants[0].name]
    begun = [own for own in measured.values() if own]
    shared = sorted(set.intersection(*map(set, begun))) if begun else []
    rows = []
    for variant in variants:
        own = measured[variant.name]
        metrics, differences, numbers = {}, {}, {}
        for name in SHOWN:
            with_it = [key for key in shared if all(name in one[key] for one in begun)] if own else []
            metrics[name] = mean_of([own[key][name] for key in with_it]) if with_it else None
            pairs = [
                one[name] / base[key][name] - 1 for key, one in own.items() if name in one and _has(base, key, name)
            ]
            differences[name] = mean_of(pairs) if pairs else None
            numbers[name] = len(pairs)
        row = dict(name=variant.name, curve=variant.curve or variant.name, runs=len(own), macs=macs.get(variant.name))
        row |= dict(shared=[f"seed_{seed}_{fold}" for seed, fold in shared], pairs=numbers)
        row["by_run"] = {
            f"seed_{seed}_{fold}": {name: one.get(name) for name in SHOWN} for (seed, fold), one in sorted(own.items())
        }
        row["times"] = {runtime: one[variant.name] for runtime, one in times.items() if variant.name in one}
        rows.append({**row, "metrics": metrics, "differences": differences})
    return rows


def _has(base: Mapping[tuple[int, str], Mapping[str, float]], key: tuple[int, str], name: str) -> bool:
    """Whether the baseline has a value that a difference can be a fraction of."""
    return bool(base.get(key, {}).get(name))


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return `summarise`'s rows as a table in Markdown, with a line on what its means are over.

    +- is the standard error over runs; differences from the baseline are of runs in pairs, with their number where it
    is not that of the variant's runs. In brackets behind a time is the speed-up over the baseline in the same round.
    """
    runtimes = list(dict.fromkeys(runtime for row in rows for runtime in row["times"]))
    shared = rows[0]["shared"]
    over = (
        f"the {len(shared)} runs that all variants with a result share" if shared else "no run: none is shared by all"
    )
    titles = ["variant", "runs", "GMACs", *(f"{one} [ms]" for one in runtimes), *SHOWN]
    titles += [f"{name} against baseline [%]" for name in SHOWN]
    lines = [f"Means are over {over}, differences over all runs that a variant shares with the baseline.", ""]
    lines += [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for row in rows:
        cells = [row["name"], str(row["runs"]), "" if row["macs"] is None else f"{row['macs'] / 1e9:.2f}"]
        for runtime in runtimes:
            time = row["times"].get(runtime)
            cells.append("" if time is None else f"{time['ms']:.1f} ({time['speedup']:.2f}x)")
        cells += [_cell(row["metrics"][name], 1, 4) for name in SHOWN]
        for name in SHOWN:
            count = row["pairs"][name]
            number = f" (n={count})" if 0 < count != row["runs"] else ""
            cells.append(f"{_cell(row['differences'][name], 100, 1)}{number}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(rows: Sequence[Mapping[str, Any]], runtime: str) -> Figure:
    """Draw differences from the baseline over the time in a runtime; points of one curve are joined.

    Bars are the standard errors of the differences in pairs: means of the metrics themselves would have those of the
    folds. A point of fewer pairs than others in its panel says how many, n.
    """
    shown = [name for name in SHOWN if any(row["differences"][name] for row in rows)] or SHOWN[:1]
    columns = math.ceil(math.sqrt(len(shown)))
    lines = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(4.5 * columns, 4 * lines + 1), layout="constrained")
    FigureCanvasAgg(figure)
    curves = dict.fromkeys(row["curve"] for row in rows)
    looks = dict(zip(curves, itertools.cycle(itertools.product("osD^v", (f"C{i}" for i in range(10)))), strict=False))
    panels = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axes in panels[len(shown) :]:
        axes.remove()
    for axes, name in zip(panels, shown, strict=False):
        drawn = [row for row in rows if row["differences"][name] and runtime in row["times"]]
        most = max((row["pairs"][name] for row in drawn), default=0)
        for curve, (marker, color) in looks.items():
            of = [row for row in drawn if row["curve"] == curve]
            points = sorted((row["times"][runtime]["ms"], *row["differences"][name], row["pairs"][name]) for row in of)
            if points:
                times, means, errors, numbers = zip(*points, strict=True)
                means = [100 * mean for mean in means]
                bars = [100 * (error or 0.0) for error in errors]
                axes.errorbar(times, means, bars, fmt=f"{marker}-", color=color, label=curve, capsize=2)
                for *point, number in zip(times, means, numbers, strict=True):
                    if number < most:
                        axes.annotate(f"n={number}", point, (3, 3), textcoords="offset points", fontsize="x-small")
        axes.set_xlabel(
            f"{runtime}, ms per image" if runtime != "training" else "ms, forward and backward pass of a batch"
        )
        axes.set_ylabel(f"{name} against baseline [%]")
        axes.grid(alpha=0.3)
    handles = [axes.get_legend_handles_labels() for axes in figure.axes]
    entries = {label: handle for some, labels in handles for handle, label in zip(some, labels, strict=True)}
    if entries:
        figure.legend(entries.values(), entries, loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    return figure


def _cell(value: Mean | None, factor: float, digits: int) -> str:
    if value is None:
        return ""
    error = "" if value.error is None else f" +- {factor * value.error:.{digits}f}"
    return f"{factor * value.mean:.{digits}f}{error}"
