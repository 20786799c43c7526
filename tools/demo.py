#!/usr/bin/env python
"""Train a small model on generated rooms, evaluate it, and predict a photo: the tools as a user runs them."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.console import run_tool
from depthkit.utils.output_folder import make_output_folder

TOOLS = Path(__file__).resolve().parent
CONFIG = TOOLS.parent / "configs" / "demo_rooms.py"


def run(title: str, tool: str, *arguments: object) -> None:
    """Run a tool, shown as one would type it."""
    command = [f"tools/{tool}", *map(str, arguments)]
    print(f"\n== {title}\n$ python {' '.join(command)}", flush=True)
    if subprocess.run([sys.executable, TOOLS / tool, *command[1:]]).returncode:
        raise InputError(f"tools/{tool} ended with an error, shown above; the demo stops")


def photo() -> Path:
    """A photo that everybody has: matplotlib ships it."""
    from matplotlib.cbook import get_sample_data

    return Path(get_sample_data("grace_hopper.jpg", asfileobj=False))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="demo.py", description=__doc__)
    parser.add_argument("--work-dir", default="work_dirs/demo_rooms", help="for everything that it makes")
    parser.add_argument("--max-iters", type=int, help="train for so many iterations only (a quick look)")
    args = parser.parse_args(argv)
    start = time.monotonic()
    folder = make_output_folder(args.work_dir)
    for old in [*folder.glob("epoch_*.pth"), *folder.glob("best_abs_rel_*.pth")]:
        old.unlink()
    limit = ["--cfg-options", f"train_cfg.max_iters={args.max_iters}"] if args.max_iters else []
    run("1/3 train", "train.py", CONFIG, "--work-dir", folder, *limit)
    checkpoint = next(folder.glob("best_abs_rel_*.pth"))
    results, predictions = folder / "results.json", folder / "photo"
    run("2/3 evaluate", "test.py", CONFIG, checkpoint, "--out", results)
    picture = photo()
    run(
        "3/3 predict a photo",
        "predict.py",
        *(picture, "--config", CONFIG, "--checkpoint", checkpoint, "--out", predictions),
    )
    minutes = (time.monotonic() - start) / 60
    print(
        f"\nDone in {minutes:.1f} minutes. The model has seen generated rooms only: the photo shows that the "
        "tools work, not what a trained depthkit can do.\n"
        f"  coloured depth map  {predictions / f'{picture.stem}_colored.png'}\n"
        f"  16-bit PNG [mm]     {predictions / f'{picture.stem}_depth.png'}\n"
        f"  metrics             {results}"
    )
    return 0


if __name__ == "__main__":
    run_tool(main)
