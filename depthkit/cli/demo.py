"""`depthkit demo`."""

import subprocess
import sys
import time
from pathlib import Path

import click

from depthkit.cli.command import Command, PathName
from depthkit.errors import InputError
from depthkit.utils.output_folder import make_output_folder

_CONFIG = "demo_rooms"
_MARKER = ".depthkit_demo"


@click.command("demo", cls=Command, examples=("depthkit demo", "depthkit demo --out work_dirs/quick --max-iters 50"))
@click.option(
    "--out",
    "--work-dir",
    "out",
    type=PathName(),
    default=Path("work_dirs/demo"),
    metavar="DIR",
    help="Folder for everything that the demo writes: new, empty, or of an earlier demo.",
)
@click.option("--max-iters", type=click.IntRange(5, 10**9), help="Stop the training after so many iterations.")
def main(out, max_iters) -> None:
    """Train, evaluate and use a small model.

    It is trained on generated rooms, evaluated, and predicts an image. Nothing is downloaded. On 2 CPU cores the
    training takes 3.6 minutes, and the demo under 10 in all.
    """
    start = time.monotonic()
    _claim(out)
    limit = ["--cfg-options", f"train_cfg.max_iters={max_iters}"] if max_iters else []
    _run("1/3 train", "train", _CONFIG, "--out", out, "--overwrite", *limit)
    weights = next(out.glob("best_abs_rel_*.pth"))
    results, predictions, image = out / "results.json", out / "prediction", _sample_image()
    _run("2/3 evaluate", "test", weights, "--json", results)
    _run("3/3 predict an image", "predict", image, "--weights", weights, "--out", predictions)
    minutes = (time.monotonic() - start) / 60
    print(
        f"\nDone in {minutes:.1f} minutes. The model has seen generated rooms only: the result shows that the "
        "commands work, not what a trained depthkit can do.\n"
        f"  colored depth map  {predictions / f'{image.stem}_colored.png'}\n"
        f"  16-bit PNG [mm]    {predictions / f'{image.stem}_depth.png'}\n"
        f"  metrics            {results}\n"
        "Your own image; the checkpoint is all that is needed:\n"
        f"  depthkit predict photo.jpg --weights {weights}"
    )


def _claim(folder: Path) -> None:
    """Make `folder` the demo's own, unless it contains something that the demo did not write."""
    make_output_folder(folder)
    if any(folder.iterdir()) and not (folder / _MARKER).is_file():
        raise InputError(
            f"{folder}: contains files that are not of a demo; choose a new or empty folder by --out, "
            "or remove it if a demo of depthkit 0.1 wrote it"
        )
    (folder / _MARKER).touch()


def _run(title: str, *arguments: object) -> None:
    """Run a subcommand, shown as one would type it."""
    command = list(map(str, arguments))
    print(f"\n== {title}\n$ depthkit {' '.join(command)}", flush=True)
    with subprocess.Popen([sys.executable, "-m", "depthkit.cli.main", *command]) as process:
        try:
            status = process.wait()
        except BaseException:  # a signal: the subcommand ends in order, too
            process.terminate()
            raise
    if status:
        raise InputError(f"depthkit {command[0]} ended with an error, shown above; the demo stops")


def _sample_image() -> Path:
    """Return the path of an image that everybody has, because matplotlib ships it."""
    from matplotlib.cbook import get_sample_data

    return Path(get_sample_data("grace_hopper.jpg", asfileobj=False))
