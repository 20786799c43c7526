#!/usr/bin/env python
"""Write a trained model in the form in which depthkit carries it."""

from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.utils.console import run_tool


@click.command(
    cls=Command,
    examples=(
        "python tools/package_model.py work_dirs/rooms_deit_tiny/epoch_12.pth rooms_deit_tiny \\\n"
        "    --out depthkit/_weights/rooms-deit-tiny.safetensors",
    ),
)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("config")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.safetensors")
def main(checkpoint, config, out) -> None:
    """Write the weights of CHECKPOINT in float16 with the CONFIG of that name.

    The config of the checkpoint is left out: it names folders of the machine that trained the model.
    """
    options.check_output(out, checkpoint)
    from depthkit.apis.export_weights import export_weights
    from depthkit.utils.config import load_config

    export_weights(checkpoint, out, half=True, config=load_config(config))
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    run_tool(main)
