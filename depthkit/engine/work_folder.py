"""The folder of a training: what an earlier one left in it."""

import re
from pathlib import Path

from depthkit.errors import InputError

# Names by the checkpoint hook. The best ones have no optimizer, so a training cannot be resumed from them.
PERIODIC = re.compile(r"(?P<kind>epoch|iter)_(?P<number>\d+)\.pth")
BEST = re.compile(r"best_(?P<metric>.+)_(epoch|iter)_\d+\.pth")
POINTER = "last_checkpoint"  # mmengine's file with the path of the newest one
# Temporary names of files that are renamed when they are complete: by the Runner, and by `atomic_path`.
_UNFINISHED = re.compile(r"\..+\.pth\.tmp|\.(.+\.)?[0-9a-f]{8}(\.(png|json|pth))?")


def find_checkpoints(work_dir: str | Path) -> list[Path]:
    """List the periodic and the best checkpoints of a training, newest first."""
    found = [
        path for path in Path(work_dir).glob("*.pth") if PERIODIC.fullmatch(path.name) or BEST.fullmatch(path.name)
    ]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def find_periodic(work_dir: str | Path) -> list[Path]:
    """List the checkpoints that a training can be resumed from, newest first."""
    return [path for path in find_checkpoints(work_dir) if PERIODIC.fullmatch(path.name)]


def check_new(work_dir: str | Path) -> None:
    """Check that no training has left checkpoints in `work_dir`.

    Raises:
        InputError: one has.
    """
    if found := find_checkpoints(work_dir):
        raise InputError(
            f"{work_dir}: has {len(found)} checkpoints of a training ({found[0].name}, ...); resume it with --resume, "
            "remove them with --overwrite, or choose another folder with --out"
        )


def remove_checkpoints(work_dir: str | Path) -> None:
    """Remove the checkpoints of an earlier training; its logs and drawings stay."""
    for path in [*find_checkpoints(work_dir), Path(work_dir) / POINTER]:
        path.unlink(missing_ok=True)


def clean_work_folder(work_dir: str | Path) -> None:
    """Remove the files that a killed training did not complete."""
    work_dir = Path(work_dir)
    for folder in (work_dir, work_dir / "vis", *work_dir.glob("*/vis_data")):
        for path in folder.glob(".*"):
            if _UNFINISHED.fullmatch(path.name) and path.is_file():
                path.unlink(missing_ok=True)
