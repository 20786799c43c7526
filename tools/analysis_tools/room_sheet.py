#!/usr/bin/env python
"""Draw generated rooms, and compare their depth with that of RGB-D pairs."""

from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.utils.console import run_tool


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
    options.check_output(out)
    from PIL import Image

    from depthkit.analysis.room_sheet import HEADER, contact_sheet, depth_row
    from depthkit.datasets import Frame, RGBDFolder
    from depthkit.datasets.rooms.dataset import RoomGenerator, read_textures
    from depthkit.utils.output_file import atomic_path

    generator = RoomGenerator(rooms, (144, 192), seed, variety, read_textures(textures))
    made = [generator.render(entry) for entry in generator.entries()]
    with atomic_path(out) as temporary:
        Image.fromarray(contact_sheet([one for one, _ in made[:24]])).save(temporary, format="png")
    print(f"wrote {out}\n| what {HEADER}")
    print(f"| rooms, {variety} {depth_row(Frame(one.image, one.depth, camera, '') for one, camera in made)}")
    if beside is not None:
        source = RGBDFolder(beside, 1000).source
        folders = dict.fromkeys(Path(entry["rgb"]).parent.name for entry in source.entries())
        for folder in folders:
            entries = [entry for entry in source.entries() if Path(entry["rgb"]).parent.name == folder]
            print(f"| {folder} {depth_row(map(source.read, entries))}")


if __name__ == "__main__":
    run_tool(main)
