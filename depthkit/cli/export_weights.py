"""`depthkit export-weights`."""

from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command


@click.command(
    "export-weights",
    cls=Command,
    examples=("depthkit export-weights work_dirs/nyu_tosa_small/epoch_20.pth --out model.safetensors",),
)
@click.argument("files", nargs=-1, metavar="WEIGHTS")
@options.weights_or_positional
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A name that ends in .safetensors.  [default: that of WEIGHTS with this ending]",
)
@options.json_file
@click.pass_context
def main(ctx, files, weights, out, json_path) -> None:
    """Write the weights of a checkpoint alone.

    The file is a .safetensors. It keeps the config and the metrics, so that `depthkit predict` needs nothing else; the
    state of the optimizer and of the training is left out.
    """
    config, checkpoint = options.config_and_weights(files, None, weights, ctx)
    if config:
        raise click.UsageError(f"Got '{config}' beside the weights; a config is not needed.", ctx)
    out = out or Path(checkpoint).with_suffix(".safetensors")
    options.check_output(out, checkpoint)
    options.check_output(json_path, checkpoint, out)
    from depthkit.apis.export_weights import export_weights

    export_weights(checkpoint, out)
    if json_path:
        options.write_json(json_path, {"weights": checkpoint, "file": out, "bytes": out.stat().st_size})
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB ({checkpoint}: {Path(checkpoint).stat().st_size / 1e6:.1f} MB)")
