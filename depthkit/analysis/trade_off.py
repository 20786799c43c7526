"""Turn results files of speed and accuracy into curves over the keep rate."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, Strict, ValidationError

from depthkit.analysis.trade_off_plot import Panel
from depthkit.errors import InputError
from depthkit.utils.validation import describe

Rates = tuple[float, ...]
Points = dict[str, dict[Rates, float]]
_Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]


class _Speed(BaseModel):
    """A result of benchmark.py."""

    variant: str
    height: int
    width: int
    batch: int
    speedup: _Number


class _Accuracy(BaseModel):
    """A result of evaluate_selection.py."""

    selection: str
    keep_rate: _Number | Annotated[tuple[_Number, ...], Field(min_length=1)]
    score: str
    top1: _Number


class _File(BaseModel):
    results: list[_Speed | _Accuracy]


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
        for result in _read(file):
            if isinstance(result, _Speed):
                kind, rates = _split(result.variant)
                if rates:
                    size = f"{result.height}x{result.width}, batch {result.batch}"
                    speed.setdefault(size, defaultdict(dict))[_name(kind, rates)][rates] = result.speedup
            elif result.selection == "dense":
                dense = result.top1
            elif result.score == "selector":
                rates = result.keep_rate if isinstance(result.keep_rate, tuple) else (result.keep_rate,)
                top1[_name(f"tosa_{result.selection}", rates)][rates] = result.top1
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


def _read(file: Path) -> list[_Speed | _Accuracy]:
    written = "what benchmark.py or evaluate_selection.py wrote"
    if not file.is_file():
        raise InputError(f"{file}: {'is not a regular file' if file.exists() else 'no such file'}; give {written}")
    try:
        return _File.model_validate_json(file.read_bytes()).results
    except ValidationError as error:
        raise InputError(f"{file}: not a results file ({describe(error)}); give {written}") from error
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); give {written}") from error


def _split(variant: str) -> tuple[str, Rates]:
    """Return the name of a variant and its keep rates, if it has any."""
    name, _, keep = variant.rpartition(":")
    try:
        return name, tuple(float(rate) for rate in keep.split(","))
    except ValueError:
        return variant, ()


def _name(kind: str, rates: Rates) -> str:
    """Name the curve of a result: rates that differ by layer have their own."""
    return kind if len(rates) == 1 else f"{kind}, by layer"


def _curves(points: Points) -> dict[str, list[tuple[float, float]]]:
    return {
        name: sorted((sum(rates) / len(rates), value) for rates, value in found.items())
        for name, found in points.items()
        if found
    }
