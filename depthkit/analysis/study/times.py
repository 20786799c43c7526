"""The times of a study as a file: of which settings, and on which machine they were measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from depthkit.analysis.study.runs import Run
from depthkit.analysis.study.saved import read_json
from depthkit.errors import InputError

ADVICE = "remove it, and time again with --rounds"
_OF_A_RUN = ("seed", "protocols", *(f"{of}_dataloader.dataset.split_file" for of in ("train", "val", "test")))


def settings_of_times(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Return by variant what its times depend on: not the seed, the fold and the protocols."""
    found = {}
    for run in runs:
        flat = {name: value for name, value in run.settings.items() if name != "options"} | run.settings["options"]
        found[run.variant.name] = {name: value for name, value in flat.items() if name not in _OF_A_RUN}
    return found


def read_times(path: Path, runs: Sequence[Run]) -> dict[str, Any]:
    """Read the times that `path` has of the variants of `runs`; without the file, none.

    Args:
        path: of JSON with ``macs``, ``times``, ``machine``, ``date``, and by variant ``settings``.
        runs: one of each variant.

    Raises:
        InputError: it cannot be read, lacks a field, or is of other settings.
    """
    if not path.is_file():
        return {"macs": {}, "times": {}}
    timed = read_json(path, ("macs", "times"), ADVICE)
    for runtime, of in timed["times"].items():
        for variant, time in of.items() if isinstance(of, dict) else [("variants", of)]:
            if not isinstance(time, dict) or not {"ms", "speedup"} <= time.keys():
                raise InputError(f"{path}: has no ms and speedup of {variant} in {runtime}; {ADVICE}")
    settings = timed.get("settings")
    for variant, expected in settings_of_times(runs).items() if isinstance(settings, dict) else ():
        found = settings.get(variant, expected)
        wrong = [name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)]
        if wrong:
            raise InputError(
                f"{path}: {variant} was timed with other settings: {wrong[0]} was {found.get(wrong[0])} and is "
                f"{expected.get(wrong[0])}; {ADVICE}"
            )
    return timed


def check_nothing_is_lost(path: Path, variants: Sequence[str], runtimes: Sequence[str]) -> None:
    """Raise InputError if `path` has times of a variant or runtime that would not be timed again.

    All times of a table are of the same rounds, so they are replaced together.
    """
    times = read_json(path, ("times",), ADVICE)["times"] if path.is_file() else {}
    lost = [name for name in times if name not in runtimes]
    lost += [name for of in times.values() if isinstance(of, dict) for name in of if name not in variants]
    if lost:
        raise InputError(f"{path}: has times of {lost[0]}, which would be lost; time it too, or remove that file")
