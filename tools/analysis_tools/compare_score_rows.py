#!/usr/bin/env python
"""Compare which tokens ToSA selects when it scores them from fewer query rows."""

from pathlib import Path

import click

from depthkit.cli.command import Command
from depthkit.cli.selection_options import FRACTION
from depthkit.utils.console import run_tool

SCORES = [("grid", 2), ("grid", 4), ("pooled", 2), ("pooled", 4)]


@click.command(
    cls=Command,
    examples=(
        "python tools/analysis_tools/compare_score_rows.py imagenet/val --weights deit_tiny_patch16_224.safetensors",
    ),
)
@click.argument("images", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--weights", required=True, metavar="FILE", help="Weights of a DeiT, .pth or .safetensors.")
@click.option("--size", type=click.Choice(["tiny", "small", "base"]), default="tiny", help="Size of the DeiT.")
@click.option("--count", type=click.IntRange(min=1), default=50, help="Number of images, evenly spaced.")
@click.option("--keep-rate", type=FRACTION, default=0.5, help="Fraction of the patches to select.")
def main(images, weights, size, count, keep_rate) -> None:
    """Print the fraction of the same tokens that ToSA selects from fewer query rows, by layer.

    The images in FOLDER and its subfolders are used.
    """
    import torch
    from torchvision.transforms import v2

    from depthkit.analysis.selection_overlap import selection_overlap
    from depthkit.errors import InputError
    from depthkit.models import ToSA
    from depthkit.models.backbones.deit import SIZES
    from depthkit.models.layers.keep_rates import check_keep_rates
    from depthkit.utils.image_files import list_images
    from depthkit.utils.imagenet_stats import IMAGENET_MEAN, IMAGENET_STD
    from depthkit.utils.io import read_rgb

    files = list_images(images, recursive=True) if images.is_dir() else []
    if not files:
        raise InputError(f"{images}: contains no image; give another folder")
    check_keep_rates(keep_rate, 1)
    files = files[:: max(1, len(files) // count)][:count]
    model = ToSA(**SIZES[size], keep_rate=1, pretrained=weights).eval()
    prepare = v2.Compose(
        [
            v2.Resize(256, interpolation=v2.InterpolationMode.BICUBIC),
            v2.CenterCrop(224),
            v2.ToDtype(torch.float32),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    batch = torch.stack([prepare(torch.from_numpy(read_rgb(f)).permute(2, 0, 1)) for f in files])
    found = selection_overlap(model, batch, keep_rate, SCORES)

    print(f"{len(files)} images, keep_rate {keep_rate}; chance is {keep_rate:.2f}")
    print("rows           " + "".join(f"layer {layer:<4d}" for layer in range(1, 12, 2)) + "mean")
    for (rows, stride), overlaps in found.items():
        cells = "".join(f"{value:<10.2f}" for value in overlaps)
        print(f"{rows + ' 1/' + str(stride**2):<15}{cells}{sum(overlaps) / len(overlaps):.2f}")


if __name__ == "__main__":
    run_tool(main)
