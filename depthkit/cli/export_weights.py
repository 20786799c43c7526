"""`depthkit export-weights`."""

from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command, PathName
from depthkit.cli.model_choice import check_needs_model, choose_model
from depthkit.cli.selection_options import check_has_keep_rate, selection_options


@click.command(
    "export-weights",
    cls=Command,
    examples=(
        "depthkit export-weights work_dirs/nyu_tosa_small/epoch_20.pth --out model.safetensors",
        "depthkit export-weights --model depth-anything-v2-small --out small.safetensors",
        "depthkit export-weights --model dpt-large --weights dpt_large-midas-2f21e586.pt --out dpt.safetensors",
    ),
)
@click.argument("files", nargs=-1, metavar="WEIGHTS")
@options.weights_or_positional
@options.zoo_model
@options.input_size
@options.preprocessing
@selection_options
@click.option(
    "--out",
    type=PathName(),
    metavar="FILE",
    help="A name that ends in .safetensors.  [default: that of WEIGHTS, or of the model, with this ending]",
)
@options.json_file
@click.pass_context
def main(
    ctx, files, weights, model, input_size, preprocessing, keep_rate, selection, selective_layers, out, json_path
) -> None:
    """Write weights alone, with their config.

    Of a checkpoint: the file is a .safetensors. It keeps the config and the metrics, so that `depthkit predict` needs
    nothing else; the state of the optimizer and of the training is left out.

    With --model: the weights of a published model, from the hub or from a file, become a file like that, which all
    commands take. It says which model it is and under which licence.
    """
    check_has_keep_rate(keep_rate, selection, selective_layers, ctx)
    of_model = {"input_size": input_size, "preprocessing": preprocessing, "keep_rate": keep_rate}
    check_needs_model(model, of_model, ctx)
    config, source = (None, None)
    if model is None or files or weights:
        config, source = options.config_and_weights(files, None, weights, ctx)
    if config:
        raise click.UsageError(f"Got '{config}' beside the weights; a config is not needed.", ctx)
    # The name of the result goes by that of the model, which becomes its file if it comes with depthkit.
    out = out or (Path(f"{model}.safetensors") if model else Path(source).with_suffix(".safetensors"))
    model, source = choose_model(model, source, None, ctx)
    options.check_output(out, source)
    options.check_output(json_path, source, out)
    if model is None:
        options.check_weights(source)
        from depthkit.apis.export_weights import export_weights

        export_weights(source, out)
    else:
        found = options.fetch_zoo_model(model, source, input_size=input_size, preprocessing=preprocessing)
        from depthkit.apis.export_weights import export_published

        given = {name: value for name, value in of_model.items() if value is not None}
        export_published(model, out, source, **given, selection=selection, selective_layers=selective_layers)
        source = found
    if json_path:
        options.write_json(json_path, {"weights": source, "file": out, "bytes": out.stat().st_size})
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB ({source}: {Path(source).stat().st_size / 1e6:.1f} MB)")
