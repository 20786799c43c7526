"""The options of `depthkit predict` that are for many images."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from depthkit.cli.finite_range import FiniteRange
from depthkit.cli.output_options import SHARED
from depthkit.errors import InputError
from depthkit.utils.image_files import named_folders

max_megapixels = click.option(
    "--max-megapixels",
    type=FiniteRange(min=0.01, max=190),
    default=190.0,
    metavar="M",
    help="Read images that have more at 1/2, 1/3 ... of their sides; their results have that size. The depth of large "
    "images has no more detail than the network's input, and saving it takes longer than predicting it.",
)
_OPTIONS = (
    click.option(
        "--recursive",
        is_flag=True,
        help="Take the images in subfolders of folders, too; results lie in the same subfolders of --out.",
    ),
    click.option(
        "--skip-existing",
        is_flag=True,
        help="Leave out images (not videos) that have not changed and whose results are all in --out, complete: resume "
        "what was stopped. For another model or other settings take another --out.",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="How many images of one size go through the network together; above 1 the results are the same but for "
        "rounding. Faster on a GPU.",
    ),
    max_megapixels,
)


def folder_options(command: Callable) -> Callable:
    """Add all options of this module to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_folder_options(
    patterns: Sequence[str], recursive: bool, skip_existing: bool, depth_range: object, contact_sheet: Path | None
) -> None:
    """Check the options before the seconds that importing torch takes.

    Args:
        patterns: images, folders and globs that the command was given.
        recursive: take images in subfolders.
        skip_existing: leave out images that have their results.
        depth_range: see `color_range` of `output_options`.
        contact_sheet: a file.

    Raises:
        InputError: nothing has subfolders; or images are left out, and something is asked for that needs all of them.
    """
    if recursive and not named_folders(patterns):
        raise InputError("--recursive: is for folders, and none was given; name one, or leave it out")
    if skip_existing and (depth_range == SHARED or contact_sheet is not None):
        option = "--range shared" if depth_range == SHARED else "--contact-sheet"
        raise InputError(f"{option}: needs the depth of all images, and --skip-existing leaves some out; leave out one")
