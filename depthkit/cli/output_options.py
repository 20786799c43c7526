"""The options of commands that say which results are written and how they look."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from depthkit.cli.command import PathName, RangeOption
from depthkit.errors import InputError
from depthkit.utils.image_files import check_not_found_again
from depthkit.utils.output_file import check_output_file

SHARED = "shared"
# Until depthkit 0.1 these were options of their own; for `Command(aliases=...)`.
OLD_OUTPUTS = {"--side-by-side": "--outputs=+side_by_side", "--point-cloud": "--outputs=+points"}
_SHEET_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def _split(ctx: click.Context, param: click.Parameter, lists: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names of all lists; one + at the beginning of a list is for all its names."""
    names = []
    for given in lists:
        plus = "+" if given.startswith("+") else ""
        names += [plus + name.strip().removeprefix("+") for name in given.split(",")]
    return tuple(names) or None


outputs = click.option(
    "--outputs",
    multiple=True,
    callback=_split,
    metavar="NAME,NAME,...",
    help="What to write for each image: colored, depth (16-bit PNG), disparity (16-bit PNG), npy, tiff or exr "
    "(float32; exr needs depthkit[exr]), side_by_side, normals, points (PLY), points_glb, mesh (GLB; both need "
    "depthkit[glb]). "
    "+NAME,... in addition to the default.  [default: colored,depth,npy; of a relative model colored,disparity,npy]",
)
color_range = click.option(
    "--range",
    "depth_range",
    cls=RangeOption,
    words=(SHARED,),
    metavar="MIN MAX|shared",
    help="Ends of the colour bar in metres, the same for all images; shared: found from the depth of all of them, "
    "which waits on the disk.  [default: those of each image's depth]",
)
colormap = click.option(
    "--colormap",
    metavar="NAME",
    help="Colours by matplotlib's name, from near to far, such as viridis, cividis_r or gray; perceptually uniform are "
    "viridis, cividis, magma, inferno and plasma.  [default: turbo_r, of a relative model magma_r]",
)
remove_flying_pixels = click.option(
    "--remove-flying-pixels",
    is_flag=True,
    help="Leave out of points and mesh what lies between two surfaces, at the edges of depth.",
)
contact_sheet = click.option(
    "--contact-sheet",
    type=PathName(),
    metavar="FILE.png",
    help="Also draw all images and their depth on one page, of more than 60 images on FILE_2.png and so on.",
)


def output_options(command: Callable) -> Callable:
    """Add all options of this module to a command."""
    for option in (contact_sheet, colormap, color_range, remove_flying_pixels, outputs):
        command = option(command)
    return command


def check_output_options(
    patterns: Sequence[str], outputs: Sequence[str] | None, colormap: str | None, contact_sheet: Path | None
) -> None:
    """Check the options before the seconds that importing torch takes.

    Args:
        patterns: images, folders and globs that the command was given.
        outputs: names of outputs.
        colormap: a name.
        contact_sheet: a file.

    Raises:
        InputError: there is no such output or colormap, a package is missing, or the contact sheet cannot be written
            or would be found as an image the next time.
    """
    if outputs is not None:
        from depthkit.apis.result_files import check_outputs

        check_outputs(outputs)
    if colormap is not None:
        from depthkit.visualization.palette import check_colormap

        check_colormap(colormap)
    if contact_sheet is not None:
        if contact_sheet.suffix.lower() not in _SHEET_SUFFIXES:
            raise InputError(
                f"{contact_sheet}: expected the name of an image, such as sheet.png, for the contact sheet"
            )
        check_not_found_again(patterns, [contact_sheet])
        check_output_file(contact_sheet)
