"""The log of scalars, ``<run>/vis_data/scalars.json``: complete in the newest run's folder."""

from pathlib import Path

from depthkit.utils.output_file import atomic_path

LINES = "scalar_lines"  # in the message hub of a checkpoint: how long the log was when it was saved
_FILE = Path("vis_data") / "scalars.json"


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
