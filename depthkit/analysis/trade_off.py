"""Turn results files of speed and accuracy into curves over the keep rate."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from depthkit.analysis.trade_off_plot import Panel
from depthkit.errors import InputError

Rates = tuple[float, ...]
Points = dict[str, dict[Rates, float]]


def read_panels(files: Sequence[Path]) -> list[Panel]:
    """Read results files into panels to draw.

    Args:
        files: what benchmark.py and evaluate_selection.py wrote with --json.

    Returns:
        Speed-up for each input size, top-1, and top-1 against speed-up.

    Raises:
        InputError: a file is missing or not a results file, or no result has a keep rate.
    """
    speed: dict[str, Points] = {}
    top1: Points = defaultdict(dict)
    dense = None
    for file in files:
        content = _read(file)
        for result in content["results"]:
            if "speedup" in result:
                kind, _, keep = result["variant"].partition(":")
                if keep:
                    size = f"{result['height']}x{result['width']}, batch {result['batch']}"
                    rates = tuple(float(rate) for rate in keep.split(","))
                    speed.setdefault(size, defaultdict(dict))[_name(kind, rates)][rates] = result["speedup"]
            elif result["selection"] == "dense":
                dense = result["top1"]
            elif result["score"] == "selector":
                rates = result["keep_rate"]
                rates = tuple(rates) if isinstance(rates, list) else (rates,)
                top1[_name(f"tosa_{result['selection']}", rates)][rates] = result["top1"]
    panels = [Panel("keep rate", f"speed-up, {size}", _curves(points), 1.0) for size, points in speed.items()]
    if top1:
        panels.append(Panel("keep rate", "top-1 [%]", _curves(top1), dense))
    for size, points in speed.items():
        both = {
            name: [(points[name][rates], value) for rates, value in sorted(found.items()) if rates in points[name]]
            for name, found in top1.items()
            if points[name].keys() & found.keys()
        }
        if both:
            panels.append(Panel(f"speed-up, {size}", "top-1 [%]", both, dense))
    if not panels:
        raise InputError(f"{', '.join(map(str, files))}: no result has a keep rate; give files with such variants")
    return panels


def _read(file: Path) -> dict:
    try:
        content = json.loads(file.read_text())
        if not all(
            "speedup" in r or {"selection", "keep_rate", "score", "top1"} <= r.keys() for r in content["results"]
        ):
            raise KeyError
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; give what benchmark.py or evaluate_selection.py wrote") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{file}: not a results file; give what benchmark.py or evaluate_selection.py wrote") from None
    return content


def _name(kind: str, rates: Rates) -> str:
    """Name the curve of a result: rates that differ by layer have their own."""
    return kind if len(rates) == 1 else f"{kind}, by layer"


def _curves(points: Points) -> dict[str, list[tuple[float, float]]]:
    return {
        name: sorted((sum(rates) / len(rates), value) for rates, value in found.items())
        for name, found in points.items()
        if found
    }
