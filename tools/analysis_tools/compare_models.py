#!/usr/bin/env python
"""Draw depth models side by side on RGB-D pairs: image, ground truth, each model, tokens."""

from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command, VariadicOption
from depthkit.utils.console import run_tool


@click.command(
    cls=Command,
    examples=(
        "python tools/analysis_tools/compare_models.py data/pairs --split test --indices 3 40 "
        "--weights deit.pth tosa.pth --names DeiT ToSA --out comparison.png",
    ),
)
@click.argument("pairs", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--split", type=click.Choice(["train", "test", "all"]), default="test", help="Of the pairs.")
@click.option("--depth-scale", type=float, default=1000, help="Units of the depth files per metre.")
@click.option(
    "--indices", cls=VariadicOption, type=click.IntRange(0), required=True, metavar="N ...", help="Which pairs."
)
@click.option("--weights", cls=VariadicOption, required=True, metavar="FILE ...", help="Of metric models.")
@click.option("--names", cls=VariadicOption, required=True, metavar="NAME ...", help="Of the models, to be shown.")
@click.option("--layer", type=click.IntRange(1), default=6, help="Whose tokens are drawn, counted from 1.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.png", help="The drawing.")
@options.device
@click.pass_context
def main(ctx, pairs, split, depth_scale, indices, weights, names, layer, out, device) -> None:
    """Draw depth models side by side.

    FOLDER has the layout of BTS or that of RGBDFolder (data/README.md). Each of the pairs gets a row.
    """
    if len(weights) != len(names):
        raise click.UsageError(f"--names: {len(names)} for {len(weights)} --weights; give one for each.", ctx)
    options.check_output(out, *weights)
    from depthkit.analysis.model_comparison import draw_comparison
    from depthkit.datasets import RGBDFolder
    from depthkit.datasets.depth_dataset import check_frame
    from depthkit.utils.io import write_rgb

    data = RGBDFolder(pairs, depth_scale, split=split, indices=list(indices))
    frames = [check_frame(data.source.read(data.get_data_info(index))) for index in range(len(data))]
    predictors = {name: options.load_predictor(None, file, device) for name, file in zip(names, weights, strict=True)}
    write_rgb(out, draw_comparison(frames, predictors, layer))
    print(out)


if __name__ == "__main__":
    run_tool(main)
