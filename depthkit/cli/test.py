"""`depthkit test`."""

import os

import click

from depthkit.cli import options
from depthkit.cli.command import Command, PathName
from depthkit.cli.runtime_options import check_runtime_options, runtime_options


@click.command(
    "test",
    cls=Command,
    # In depthkit 0.1 --out named the JSON file here; elsewhere it is a folder.
    aliases=options.OLD_WEIGHTS | {"--out": "--json"},
    examples=(
        "depthkit test work_dirs/nyu_tosa_small/epoch_20.pth --json results.json",
        "depthkit test epoch_20.pth --runtime openvino --precision bfloat16",
        "depthkit test epoch_20.pth --comparison-dir drawn --range 0 8",
        "depthkit test old.pth --config nyu_tosa_small --protocol full --cfg-options data_root=/data/nyu",
    ),
)
@click.argument("files", nargs=-1, metavar="WEIGHTS")
@options.weights_or_positional
@options.config
@options.json_file
@click.option("--save-dir", type=PathName(), metavar="DIR", help="Write the predictions there as 16-bit PNG [mm].")
@click.option(
    "--comparison-dir",
    type=PathName(),
    metavar="DIR",
    help="Draw image | ground truth | prediction | error of every image there, with one colour bar for both depths.",
)
@click.option(
    "--range",
    "comparison_range",
    nargs=2,
    type=float,
    metavar="MIN MAX",
    help="With --comparison-dir: ends of the colour bar in metres.  [default: those of each image's depth]",
)
@click.option("--protocol", help="eigen, full or densedepth.  [default: the config's]")
@click.option("--flip", is_flag=True, help="Average with the prediction of the mirrored image.")
@click.option("--boundary", is_flag=True, help="Measure boundary F1 and the error near edges too.")
@options.device
@runtime_options
@options.launcher
@options.cfg_options_with_config
@click.pass_context
def main(
    ctx, files, weights, config, json_path, cfg_options, device, runtime, precision, calibration, max_error, **settings
) -> None:
    """Evaluate weights on the test set of their config.

    Prints the protocol, the metrics and the speed. Weights carry their config; to test on data in another folder, name
    the config by --config and the folder by --cfg-options data_root=DIR. --runtime and --precision measure a depth
    model as `depthkit predict` would run it.
    """
    if settings["comparison_range"] is not None and settings["comparison_dir"] is None:
        raise click.UsageError("--range is for the drawings of --comparison-dir; give both.", ctx)
    device = check_runtime_options(runtime, precision, calibration, device)
    config, weights = options.config_and_weights(files, config, weights, ctx)
    options.check_output(json_path, weights, config)
    loaded = options.load_given_config(config, cfg_options, ctx)
    options.check_weights(weights)
    from depthkit.apis.evaluate import evaluate  # takes seconds: after the config is known to be right
    from depthkit.runtimes.names import RuntimeRequest

    asked = RuntimeRequest(runtime, precision, calibration, max_error)
    result = evaluate(loaded, weights, device=device, runtime=asked, **settings)
    if int(os.environ.get("RANK", "0")) == 0:
        print(f"\n{result.table()}")
        if json_path:
            result.write_json(json_path)
