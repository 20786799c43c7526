#!/usr/bin/env python
"""Choose the token selective layers of a depth model, and their rates, from what each alone changes."""

import dataclasses

import click

from depthkit.cli import options
from depthkit.cli.command import Command, VariadicOption
from depthkit.cli.finite_range import FiniteRange
from depthkit.cli.model_choice import choose_model
from depthkit.cli.selection_options import FRACTION
from depthkit.utils.console import run_tool


@click.command(
    cls=Command,
    examples=(
        "python tools/analysis_tools/calibrate_layers.py --weights dense.pth --images data/rgbd/kitchen --budget 0.8",
    ),
)
@options.zoo_model
@options.weights_of_zoo_model
@options.config
@click.option("--images", cls=VariadicOption, required=True, metavar="IMAGE|FOLDER|GLOB ...", help="No labels needed.")
@click.option("--count", type=click.IntRange(1), default=50, help="Take so many of them, spread evenly.")
@click.option("--budget", type=FRACTION, default=0.8, metavar="FRACTION", help="MACs left, of the dense model's.")
@click.option(
    "--keep-rates",
    cls=VariadicOption,
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    default=(0.75, 0.5, 0.25),
    metavar="RATE ...",
    help="What each layer is tried with.",
)
@click.option(
    "--selection",
    type=click.Choice(["shared", "per_head", "even"]),
    default="shared",
    help="As of `depthkit predict`; even sets --importance itself.",
)
@click.option(
    "--importance",
    type=click.Choice(["attention", "update", "random"]),
    help="As in ToSA; untrained, predicted_update is the same as update.  [default: attention]",
)
@click.option("--keys", type=click.Choice(["attended", "all"]), default="attended", help="As in ToSA.")
@options.device
@options.json_file
@options.cfg_options_with_config
@click.pass_context
def main(
    ctx, model, weights, config, images, count, budget, keep_rates, importance, device, json_path, cfg_options,
    **selecting,
) -> None:  # fmt: skip
    """Measure each layer alone, without training, and choose layers and rates under a budget.

    Prints how much each layer at each rate changes the dense model's depth and saves of its multiply-accumulates, and
    the choice with the smallest sum of changes that stays in the budget, as options for a config.
    """
    if importance or selecting["selection"] != "even":
        selecting["importance"] = importance or "attention"
    model, weights = choose_model(model, weights, config, ctx)
    found, _ = options.find_images(images)
    options.check_output(json_path, weights, config, *found)
    if model is not None:
        options.fetch_zoo_model(model, weights)
    loaded = options.load_given_config(config, cfg_options, ctx)
    if model is None:
        predictor = options.load_predictor(loaded, weights, device)
    else:
        predictor = options.load_zoo_predictor(model, weights, device)
    from depthkit.analysis.layer_rates import choose_layer_rates, measure_layer_rates
    from depthkit.models.selective import arguments_of_form
    from depthkit.utils.io import read_rgb

    chosen = [found[index * len(found) // min(count, len(found))] for index in range(min(count, len(found)))]
    inputs = [predictor.preprocess(read_rgb(path), str(path))["inputs"] for path in chosen]
    measured = measure_layer_rates(predictor.model, inputs, keep_rates, budget, **selecting)
    print(f"{len(inputs)} images\n{'layer':>5}{'keep rate':>11}{'difference %':>22}{'saved %':>9}")
    for one in measured:
        error = "" if one.error is None else f" +- {100 * one.error:.2f}"
        print(f"{one.layer:>5}{one.keep_rate:>11g}{f'{100 * one.difference:.2f}{error}':>22}{100 * one.saved:>9.2f}")
    picked = choose_layer_rates(measured, budget)
    layers, rates = [one.layer for one in picked], [one.keep_rate for one in picked]
    chosen_form = {**selecting, **arguments_of_form(selecting["selection"])}
    values = {"selective_layers": layers, "keep_rate": rates, **chosen_form}
    print(" ".join(f"model.backbone.{name}={value}" for name, value in values.items()).replace(", ", ","))
    if json_path:
        content = {"images": len(inputs), "budget": budget, **selecting, "selective_layers": layers, "keep_rate": rates}
        options.write_json(json_path, {**content, "measured": [dataclasses.asdict(one) for one in measured]})


if __name__ == "__main__":
    run_tool(main)
