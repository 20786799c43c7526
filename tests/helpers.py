"""What several tests need and what is neither a fixture nor a test: paths, tiny models, crafted files, processes."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIGS = REPOSITORY / "configs"

# A vision transformer that runs in milliseconds: 16 patches of a 64x64 image, two pairs of layers.
SMALL_VIT = {"img_size": 64, "embed_dim": 48, "depth": 4, "num_heads": 3}


class CraftedPickle:
    """Unpickling it makes a folder: the harmless form of a file that executes code."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def write_crafted_checkpoint(path: Path, *, zipped: bool = True) -> Path:
    """Write a checkpoint whose weights are a CraftedPickle, in torch's zip format or as a plain pickle.

    Returns:
        The folder that exists afterwards if reading the file executed its code.
    """
    import torch  # not above: conftest.py imports this file before it sets the number of threads

    marker = path.with_name(f"{path.name}_was_executed")
    content = {"state_dict": {"weight": torch.ones(1), "crafted": CraftedPickle(marker)}, "meta": {}}
    if zipped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    return marker


def tool_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a process of its own: this checkout can be imported, and `extra` is set."""
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), **(extra or {})}


def run_and_list_imports(*command: object) -> tuple[str, set[str]]:
    """Run `python COMMAND` in a process of its own.

    Returns:
        What it printed, and the names of all modules that it imported.
    """
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *map(str, command)],
        env=tool_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return done.stdout, {line.rsplit("|", 1)[-1].strip() for line in lines}
