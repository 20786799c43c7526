"""`depthkit evaluate-selection`."""

import click

from depthkit.cli import options
from depthkit.cli.command import Command, VariadicOption
from depthkit.cli.model_choice import check_needs_model, choose_model
from depthkit.cli.selection_options import KEEP_RATE, selection, selective_layers


@click.command(
    "evaluate-selection",
    cls=Command,
    aliases=options.OLD_WEIGHTS | {"--keep-rate": "--keep-rates"},
    examples=(
        "depthkit evaluate-selection --model depth-anything-v2-small --images images/",
        "depthkit evaluate-selection --weights best.pth --images images/ --keep-rates 0.7 0.5 --json result.json",
    ),
)
@options.zoo_model
@options.weights_of_zoo_model
@options.config
@options.input_size
@click.option(
    "--images",
    cls=VariadicOption,
    required=True,
    metavar="IMAGE|FOLDER|GLOB ...",
    help="Any images; no labels are needed. Twenty or more, of the kind that the model is for.",
)
@click.option(
    "--keep-rates",
    cls=VariadicOption,
    type=KEEP_RATE,
    default=(0.7, 0.5, 0.25),
    metavar="RATE ...",
    help="Fractions of the patches that go through the token selective layers; each one number, or one for each of "
    "these layers, 0.7,0.5,0.5,0.3.",
)
@selection
@selective_layers
@options.device
@options.json_file
@options.cfg_options_with_config
@click.pass_context
def main(
    ctx, model, weights, config, input_size, images, keep_rates, selection, selective_layers, device, json_path,
    cfg_options,
) -> int:  # fmt: skip
    """Measure what token selection changes on your images.

    And what it saves. The depth is compared with that of the dense model itself, so no labels are needed. Beside each
    keep rate stand two controls: as many patches drawn at random, and the dense model on a smaller input that takes
    about the same time. If the smaller input differs less, use that. Keep rate 1 must differ by exactly 0.

    The JSON file has images, skipped (unreadable), output, selection, selective_layers, layers, and for each of
    `results`: name, kind, keep_rate, macs and inputs (sizes, with the number of images), and as mean and standard error
    over the images seconds, time_ratio (to the dense model), size (of the difference), close (fraction of near pixels)
    and scale; and `notes`, which are also printed: where an input is so small that nothing is left out or compared.

    Exit status: 0; 1 when some images could not be read; 2 when nothing could be done.
    """
    check_needs_model(model, {"input_size": input_size}, ctx)
    model, weights = choose_model(model, weights, config, ctx)
    found, missing = options.find_images(images)  # before the seconds that importing torch and mmseg takes
    options.check_output(json_path, weights, config, *found)
    if model is not None:
        options.fetch_zoo_model(model, weights)
    loaded = options.load_given_config(config, cfg_options, ctx)
    if model is None:
        predictor = options.load_predictor(loaded, weights, device)
    else:
        predictor = options.load_zoo_predictor(model, weights, device, input_size=input_size)
    from depthkit.analysis.selection_evaluation import evaluate_selection

    print(f"device: {predictor.device}")
    report = evaluate_selection(predictor, found, keep_rates, selection, selective_layers)
    if json_path:
        about = {"model": predictor.metadata.get("model"), "weights": weights, "device": predictor.device}
        options.write_json(json_path, about | report)
    return 1 if missing or report["skipped"] else 0
