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
        "python tools/analysis_tools/package_model.py work_dirs/rooms_deit_tiny/epoch_10.pth rooms_deit_tiny \\\n"
        "    --out depthkit/_weights/rooms-deit-tiny.safetensors",
    ),
)
@click.argument("checkpoint")
@click.argument("config")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.safetensors")
def main(checkpoint, config, out) -> None:
    """Write the weights of CHECKPOINT in float16 with the CONFIG of that name.

    The config of the checkpoint is left out: it names folders of the machine that trained the model. The SHA-256 that
    is printed goes into depthkit/zoo/packaged.py.
    """
    options.check_output(out, checkpoint)
    options.check_weights(checkpoint)
    from depthkit.apis.package_weights import package_weights
    from depthkit.utils.config import load_config
    from depthkit.zoo.file_hash import hash_file

    package_weights(checkpoint, out, load_config(config))
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, SHA-256 {hash_file(out)}")


if __name__ == "__main__":
    run_tool(main)
