#!/usr/bin/env python
"""Measure how many images per second the data set of a training gives."""

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.utils.console import run_tool


@click.command(
    cls=Command,
    examples=(
        "python tools/analysis_tools/loading_speed.py configs/nyu_tosa_small.py",
        "python tools/analysis_tools/loading_speed.py configs/rgbd_folder.py --cfg-options data_root=pairs",
    ),
)
@click.argument("config")
@click.option("--samples", type=click.IntRange(min=1), default=64, help="How many are loaded, at most.")
@options.cfg_options
def main(config, samples, cfg_options) -> None:
    """Print the images per second of one process, and how often a batch is ready.

    CONFIG is that of a training. A worker is such a process; data limit a training whose steps take less time than a
    batch. Files are read from the system's cache.
    """
    from depthkit.utils.config import load_config

    loaded = load_config(config, cfg_options)
    from depthkit.analysis.loading_speed import measure_loading

    speed = measure_loading(loaded, samples)
    loader = loaded.train_dataloader
    workers = max(1, loader.num_workers)
    print(
        f"{speed.samples} samples: {speed.per_second:.1f} images/s in one process "
        f"({1000 * speed.reading:.1f} ms reading, {1000 * speed.transforms:.1f} ms transforms)"
    )
    seconds = loader.batch_size / (workers * speed.per_second)
    print(f"a batch of {loader.batch_size} every {seconds:.2f} s with {workers} process(es)")


if __name__ == "__main__":
    run_tool(main)
