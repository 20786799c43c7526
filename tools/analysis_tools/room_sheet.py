#!/usr/bin/env python
"""Draw generated rooms, and compare their depth with that of RGB-D pairs."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.utils.console import run_tool

if TYPE_CHECKING:
    from depthkit.datasets import Frame
    from depthkit.datasets.rgbd_folder import FolderPairs


@click.command(
    cls=Command,
    examples=(
        "python tools/analysis_tools/room_sheet.py --out rooms.png",
        "python tools/analysis_tools/room_sheet.py --out rooms.png --rooms 200 --beside data/free_rgbd",
    ),
)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.png", help="The contact sheet.")
@click.option("--variety", type=click.Choice(["wide", "demo"]), default="wide", help="Kind of rooms.")
@click.option("--rooms", type=click.IntRange(6), default=24, help="Rooms to make; the sheet has the first 24.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of the rooms.")
@click.option("--textures", multiple=True, metavar="GLOB", help="Images for posters and other surfaces.")
@click.option(
    "--beside", type=click.Path(path_type=Path), metavar="DIR", help="RGB-D pairs in the layout of BTS, with train.txt."
)
def main(out, variety, rooms, seed, textures, beside) -> None:
    """Draw a contact sheet of generated rooms and print the percentiles of their depth.

    The sheet has images, depth from 0 (red) to 6 m (blue), and normals. With --beside the table also has each of the
    folders of train.txt.
    """
    if out.suffix.lower() != ".png":
        raise click.UsageError(f"--out {out}: the sheet is a PNG file; give a name that ends in .png.")
    options.check_output(out)
    from PIL import Image

    from depthkit.analysis.room_sheet import HEADER, contact_sheet, depth_row
    from depthkit.datasets import Frame, RGBDFolder
    from depthkit.datasets.rooms.dataset import RoomGenerator, read_textures
    from depthkit.utils.output_file import atomic_path

    measured = _folders(RGBDFolder(beside, 1000).source) if beside is not None else {}
    rows = [f"| {folder} {depth_row(frames)}" for folder, frames in measured.items()]
    generator = RoomGenerator(rooms, (144, 192), seed, variety, read_textures(textures))
    made = [generator.render(entry) for entry in generator.entries()]
    with atomic_path(out) as temporary:
        Image.fromarray(contact_sheet([one for one, _ in made[:24]])).save(temporary, format="png")
    click.echo(f"wrote {out}\n| what {HEADER}")
    row = depth_row(Frame(one.image, one.depth, camera, "") for one, camera in made)
    click.echo("\n".join([f"| rooms, {variety} {row}", *rows]))


def _folders(source: "FolderPairs") -> dict[str, Iterator["Frame"]]:
    """Return the frames of each folder of images, by its path below the data's."""
    entries: dict[str, list[dict]] = {}
    for entry in source.entries():
        entries.setdefault(Path(entry["rgb"]).parent.as_posix(), []).append(entry)
    return {folder: map(source.read, those) for folder, those in entries.items()}


if __name__ == "__main__":
    run_tool(main)
