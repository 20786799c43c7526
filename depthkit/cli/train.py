"""`depthkit train`."""

import click

from depthkit.cli import options
from depthkit.cli.command import Command, PathName


@click.command(
    "train",
    cls=Command,
    examples=(
        "depthkit train nyu_tosa_small --cfg-options data_root=/data/nyu",
        "depthkit train my_config.py --out work_dirs/mine --resume",
        "torchrun --nproc_per_node 2 -m depthkit.cli.main train nyu_tosa_small --launcher pytorch",
    ),
)
@click.argument("config")
@click.option(
    "--out",
    "--work-dir",
    "work_dir",
    type=PathName(),
    metavar="DIR",
    help="Folder for checkpoints and logs.  [default: work_dirs/CONFIG]",
)
@click.option("--resume", is_flag=True, help="Resume from the last complete checkpoint in that folder.")
@click.option("--overwrite", is_flag=True, help="Remove the checkpoints of an earlier training in that folder.")
@click.option("--amp", is_flag=True, help="Train with mixed precision: on a GPU, or a CPU with bfloat16.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Seed of weights, order and augmentation.  [default: the config's]",
)
@click.option(
    "--tensorboard", is_flag=True, help="Also write DIR/tensorboard. Needs: pip install 'depthkit[tensorboard]'."
)
@options.device
@options.launcher
@options.json_file
@options.cfg_options
def main(config, json_path, cfg_options, **settings) -> None:
    """Train a model by a config.

    CONFIG is a name that `depthkit configs` lists, or the path of a .py file. The checkpoints carry the config, so
    that `depthkit test` and `depthkit predict` need nothing else.
    """
    from depthkit.utils.config import load_config

    options.check_output(json_path, config)
    loaded = load_config(config, cfg_options)
    from depthkit.apis.train import describe_end, train  # takes seconds: after the config is known to be right

    runner = train(loaded, **settings)
    if runner.rank != 0:
        return
    if json_path:
        info = runner.message_hub.runtime_info
        files = {name: path for name, path in info.items() if name.startswith(("last_ckpt", "best_ckpt"))}
        scalars = runner.message_hub.log_scalars.items()
        metrics = {name[4:]: float(values.current()) for name, values in scalars if name.startswith("val/")}
        options.write_json(json_path, {"config": config, "work_dir": runner.work_dir, **files, "metrics": metrics})
    print(describe_end(runner))
