"""`depthkit configs`."""

import dataclasses

import click

from depthkit.cli import options
from depthkit.cli.command import Command


@click.command("configs", cls=Command, examples=("depthkit configs",))
@options.json_file
def main(json_path) -> None:
    """List the configs that come with depthkit.

    The name is what `depthkit train NAME` takes.
    """
    options.check_output(json_path)
    from depthkit.utils.config_files import list_configs

    configs = list_configs()
    width = max((len(config.name) for config in configs), default=0)
    for config in configs:
        print(f"{config.name:<{width}}  {config.title}")
    if json_path:
        options.write_json(json_path, [dataclasses.asdict(config) for config in configs])
