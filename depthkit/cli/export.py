"""`depthkit export`."""

import dataclasses
from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.errors import InputError

_FORMATS = {".pt2": "torch", ".onnx": "onnx"}


@click.command(
    "export",
    cls=Command,
    aliases=options.OLD_WEIGHTS,
    examples=(
        "depthkit export best.pth --out depth.onnx",
        "depthkit export old.pth --config nyu_tosa_small_shared --out depth.pt2",
    ),
)
@click.argument("files", nargs=-1, metavar="WEIGHTS")
@options.weights_or_positional
@options.config
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="A name that ends in .pt2 or .onnx."
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["torch", "onnx"]),
    help="torch writes .pt2, onnx writes .onnx.  [default: as the name of the file says]",
)
@options.json_file
@options.cfg_options_with_config
@click.pass_context
def main(ctx, files, weights, config, out, file_format, json_path, cfg_options) -> None:
    """Export a depth model for torch or ONNX.

    Writes one file: for torch.export (.pt2) or for ONNX runtimes (.onnx).

    The graph takes `images`, RGB, float32 (B, 3, H, W) from 0 to 255, and gives `depth`, float32 (B, 1, H, W). What
    these numbers are (of a relative model disparities), and how depth becomes metres, is printed and is in the file's
    metadata, as are the name and the licence of a published model. Any batch; H and W are multiples of the model's
    size_divisor (16 in most configs) and at least 128 px; resizing and padding are left to the caller. The file is run
    and compared with the model on an image before it is kept. All of it runs on the CPU.
    """
    config, weights = options.config_and_weights(files, config, weights, ctx)
    file_format = file_format or _FORMATS.get(out.suffix)
    if file_format is None:
        raise InputError(f"{out}: expected a name that ends in {' or '.join(_FORMATS)}")
    options.check_output(out, weights, config)
    options.check_output(json_path, weights, config, out)
    loaded = options.load_given_config(config, cfg_options, ctx)
    predictor = options.load_predictor(loaded, weights, "cpu")
    model = predictor.model
    from depthkit.export.agreement import TOLERANCE, unit_of
    from depthkit.export.deployable import describe_output, smallest_side
    from depthkit.export.formats import export_model

    found = export_model(model, out, file_format, predictor.metadata)
    unit = unit_of(model)
    print(f"{out}: RGB images from 0 to 255 (B, 3, H, W) to {model.output.replace('_', ' ')} (B, 1, H, W)")
    metadata = predictor.metadata | describe_output(model)
    for name, text in metadata.items():
        print(f"{name}: {text}")
    print(f"H and W: multiples of {model.size_divisor}, {smallest_side(model.size_divisor)} px or more")
    if model.test_cfg["flip"] or model.test_cfg["mode"] != "whole":
        print(f"not part of the file: test_cfg {model.test_cfg}")
    print(f"compared with torch on an image: largest difference, pixels beyond the tolerance of {TOLERANCE:g} {unit}")
    for one in found:
        batch, height, width = one.size
        print(f"{batch} x {height} x {width} px: {one.largest:.2g} {unit}, {one.beyond:.2%}")
    if json_path:
        content = {"file": out, "format": file_format, "metadata": metadata, "tolerance": TOLERANCE, "unit": unit}
        options.write_json(json_path, content | {"agreement": [dataclasses.asdict(one) for one in found]})
