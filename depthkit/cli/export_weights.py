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
@click.argument("checkpoint")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A name that ends in .safetensors.  [default: that of CHECKPOINT with this ending]",
)
def main(checkpoint, out) -> None:
    """Write the weights of a checkpoint alone.

    The file is a .safetensors. It keeps the config and the metrics, so that `depthkit predict` needs nothing else; the
    state of the optimizer and of the training is left out.
    """
    out = out or Path(checkpoint).with_suffix(".safetensors")
    options.check_output(out, checkpoint)
    from depthkit.apis.export_weights import export_weights

    export_weights(checkpoint, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB ({checkpoint}: {Path(checkpoint).stat().st_size / 1e6:.1f} MB)")
