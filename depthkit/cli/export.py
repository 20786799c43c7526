"""`depthkit export`."""

import dataclasses
import re

import click

from depthkit.cli import options
from depthkit.cli.command import Command, PathName
from depthkit.cli.model_choice import choose_model
from depthkit.cli.runtime_options import calibration, check_calibration, max_error
from depthkit.errors import InputError
from depthkit.runtimes.names import missing_packages

_FORMATS = {".pt2": "torch", ".onnx": "onnx"}


def _parse_size(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Parse HEIGHTxWIDTH."""
    if value is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", value)
    if found is None:
        raise click.BadParameter(f"'{value}': expected HEIGHTxWIDTH in pixels, such as 480x640", ctx, param)
    return int(found[1]), int(found[2])


@click.command(
    "export",
    cls=Command,
    aliases=options.OLD_WEIGHTS,
    examples=(
        "depthkit export best.pth --out depth.onnx",
        "depthkit export --model depth-anything-v2-small --out depth.onnx",
        "depthkit export old.pth --config nyu_tosa_small_shared --out depth.pt2",
        "depthkit export best.pth --out phone.onnx --size 480x640 --precision float16",
        "depthkit export best.pth --out small.onnx --precision int8 --calibration images/",
    ),
)
@click.argument("files", nargs=-1, metavar="WEIGHTS")
@options.weights_or_positional
@options.zoo_model
@options.config
@click.option("--out", required=True, type=PathName(), metavar="FILE", help="A name that ends in .pt2 or .onnx.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["torch", "onnx"]),
    help="torch writes .pt2, onnx writes .onnx.  [default: as the name of the file says]",
)
@click.option(
    "--size",
    callback=_parse_size,
    metavar="HxW",
    help="A graph for exactly one image of this height and width [px], for TensorRT and phones.  [default: any]",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "float16", "int8"]),
    default="float32",
    help="Of the file's numbers: float16 halves the file, int8 quarters it and needs --calibration.",
)
@calibration
@max_error
@options.json_file
@options.cfg_options_with_config
@click.pass_context
def main(
    ctx,
    files,
    weights,
    model,
    config,
    out,
    file_format,
    size,
    precision,
    calibration,
    max_error,
    json_path,
    cfg_options,
) -> None:
    """Export a model for torch, ONNX and others.

    Writes one file: for torch.export (.pt2) or for ONNX runtimes (.onnx).

    The graph takes `images`, RGB, float32 (batch, 3, height, width) from 0 to 255, and gives `depth`, float32 (batch,
    1, height, width), or `logits` (batch, classes) of a classifier. What these numbers are (of a relative model
    disparities), how depth becomes metres, and at which size to use the model, is printed and is in the file's
    metadata, as are the name and the licence of a published model. Any batch; height and width are multiples of the
    model's size_divisor (16 in most configs) and at least 80 px; resizing and padding are left to the caller. The file
    is run and compared with the model on an image before it is kept. All of it runs on the CPU.
    """
    if model is None:
        config, weights = options.config_and_weights(files, config, weights, ctx)
    elif files:
        raise click.UsageError(
            f"{files[0]}: beside --model a file of weights, fetched by hand, is given by --weights.",
            ctx,
        )
    else:
        model, weights = choose_model(model, weights, config, ctx)
    file_format = file_format or _FORMATS.get(out.suffix)
    if file_format is None:
        raise InputError(f"{out}: expected a name that ends in {' or '.join(_FORMATS)}")
    check_calibration(precision, calibration)
    missing = missing_packages("onnx") if file_format == "onnx" else []
    if missing:
        raise InputError(f"ONNX needs {', '.join(missing)}; run: pip install 'depthkit[onnx]'")
    options.check_output(out, weights, config)
    options.check_output(json_path, weights, config, out)
    loaded = options.load_given_config(config, cfg_options, ctx)
    if model is None:
        options.check_weights(weights)
    else:
        weights = options.fetch_zoo_model(model, weights)
    from depthkit.apis.export_source import load_export_source, load_published_source
    from depthkit.export.agreement import TOLERANCE, unit_of
    from depthkit.export.deployable import Form, check_size
    from depthkit.export.formats import export_model

    source = load_export_source(loaded, weights) if model is None else load_published_source(model, weights)
    if size is not None:
        check_size(source.model, size)
    images = [] if calibration is None else list(source.read_calibration(calibration, size))
    found, metadata = export_model(
        source.model,
        out,
        file_format,
        source.metadata if source.resampling is None else {**source.metadata, "resampling": source.resampling},
        Form(size, precision),
        recommended=source.recommended_size,
        calibration=images,
        max_error=max_error,
    )
    if size not in (None, source.recommended_size):
        height, width = source.recommended_size
        click.echo(
            f"warning: --size {size[0]}x{size[1]}: the model was trained for about {height}x{width}; at other sizes a "
            "model in metres drifts",
            err=True,
        )
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    for name, text in metadata.items():
        print(f"{name}: {text}")
    test_cfg = getattr(source.model, "test_cfg", None)
    if test_cfg and (test_cfg["flip"] or test_cfg["mode"] != "whole"):
        print(f"not part of the file: test_cfg {test_cfg}")
    unit = unit_of(source.model)
    print(f"compared with torch: largest difference, values beyond the tolerance of {TOLERANCE:g} {unit}, mean error")
    for one in found:
        batch, height, width = one.size
        print(
            f"{batch} x {height} x {width} px, {one.output}: {one.largest:.2g} {unit}, {one.beyond:.2%}, "
            f"{one.error:.2g}"
        )
    if json_path:
        content = {"file": out, "format": file_format, "metadata": metadata, "tolerance": TOLERANCE, "unit": unit}
        options.write_json(json_path, content | {"agreement": [dataclasses.asdict(one) for one in found]})
