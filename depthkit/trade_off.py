"""From results files of the benchmark and of the accuracy of selections to curves over the keep rate."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from depthkit.errors import InputError
from depthkit.visualization.trade_off import Panel

Points = dict[str, dict[float, float]]


def read_panels(files: Sequence[Path]) -> list[Panel]:
    """Read results files and return what to draw: speed-up for each input size, top-1, and top-1 against speed-up.

    Raises:
        InputError: a file that is missing or no results file, or nothing with a keep rate in them.
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
                    points = speed.setdefault(size, defaultdict(dict))[kind]
                    points[_mean([float(rate) for rate in keep.split(",")])] = result["speedup"]
            elif result["selection"] == "dense":
                dense = result["top1"]
            elif result["score"] == "selector":
                top1[f"tosa_{result['selection']}"][_mean(result["keep_rate"])] = result["top1"]
    panels = [Panel("keep rate", f"speed-up, {size}", _curves(points), 1.0) for size, points in speed.items()]
    if top1:
        panels.append(Panel("keep rate", "top-1 [%]", _curves(top1), dense))
    for size, points in speed.items():
        both = {
            kind: [(points[kind][keep], accuracy) for keep, accuracy in sorted(found.items()) if keep in points[kind]]
            for kind, found in top1.items()
            if points[kind].keys() & found.keys()
        }
        if both:
            panels.append(Panel(f"speed-up, {size}", "top-1 [%]", both, dense))
    if not panels:
        raise InputError(f"{', '.join(map(str, files))}: no result with a keep rate; give files with such variants")
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


def _mean(rates: float | list[float]) -> float:
    return sum(rates) / len(rates) if isinstance(rates, list) else rates


def _curves(points: Points) -> dict[str, list[tuple[float, float]]]:
    return {kind: sorted(found.items()) for kind, found in points.items() if found}
