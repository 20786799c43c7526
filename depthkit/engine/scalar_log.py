"""The log of scalars, ``<run>/vis_data/scalars.json``: complete in the newest run's folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmengine.runner import Runner

from depthkit.utils.output_file import atomic_path

LINES = "scalar_lines"  # in the message hub of a checkpoint: how long the log was when it was saved
_FILE = Path("vis_data") / "scalars.json"
_PLACES = ("step", "iter", "epoch")


class LogEntry(NamedTuple):
    """One line of the log.

    Attributes:
        split: ``train`` or ``val``.
        iteration: how many iterations had been trained.
        values: by name: losses, learning rate, times; or metrics.
    """

    split: str
    iteration: int
    values: dict[str, float]


class ScalarLog:
    """The log of a Runner's training, from its first iteration, also if that was in an earlier run.

    Each call of `read` returns what was logged since the last one.
    """

    def __init__(self, runner: Runner) -> None:
        self._path = Path(runner.log_dir) / _FILE
        self._max_iters = runner.max_iters
        self._epoch_length = len(runner.train_dataloader)
        self._end = 0

    def read(self) -> Iterator[LogEntry]:
        """Yield the lines that are new and complete."""
        if not self._path.is_file() or self._path.stat().st_size == self._end:
            return
        with self._path.open("rb") as file:
            file.seek(self._end)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):
                break
            self._end += len(line)
            yield self._entry(json.loads(line))

    def _entry(self, line: dict) -> LogEntry:
        values = {name: value for name, value in line.items() if name not in _PLACES and isinstance(value, int | float)}
        if "iter" in line:
            return LogEntry("train", line["iter"], values)
        # mmengine counts validations in epochs, of which the last may be cut.
        return LogEntry("val", min(line["step"] * self._epoch_length, self._max_iters), values)


def count_lines(run_dir: str | Path) -> int:
    """Return how many lines the log in the folder of a run has."""
    path = Path(run_dir) / _FILE
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def continue_log(work_dir: str | Path, run_dir: str | Path, lines: int) -> bool:
    """Begin the log in `run_dir` with the first `lines` lines of an earlier run's.

    It is the newest one in `work_dir` that has as many. What the killed run logged after its checkpoint is logged again
    by the one that is resumed. A run of the same second has the same folder: where there is no line to begin with, its
    log is removed.

    Returns:
        Whether there was such a log.
    """
    if not lines:
        (Path(run_dir) / _FILE).unlink(missing_ok=True)
        return True
    for path in sorted(Path(work_dir).glob(f"*/{_FILE}"), reverse=True):  # the folders are named by time
        content = path.read_bytes().splitlines(keepends=True)[:lines]
        if len(content) == lines:
            target = Path(run_dir) / _FILE
            target.parent.mkdir(exist_ok=True)
            with atomic_path(target) as temporary:
                temporary.write_bytes(b"".join(content))
            return True
    return False
