#!/usr/bin/env python
"""Measure a depth model on RGB-D pairs that it has never seen, scene by scene."""

import dataclasses
import math
from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.cli.model_choice import choose_model
from depthkit.errors import InputError
from depthkit.utils.console import run_tool
from depthkit.zoo.table import find_model


@click.command(
    cls=Command,
    examples=(
        "python tools/analysis_tools/zero_shot.py data/pairs --split test",
        "python tools/analysis_tools/zero_shot.py data/pairs --model depth-anything-v2-metric-indoor-small",
    ),
)
@click.argument("pairs", type=click.Path(path_type=Path), metavar="FOLDER")
@options.zoo_model
@options.weights_of_zoo_model
@click.option("--split", type=click.Choice(["train", "test", "all"]), default="test", help="Of the pairs.")
@click.option("--depth-scale", type=float, default=1000, help="Units of the depth files per metre.")
@click.option("--protocol", default="full", help="eigen, full or densedepth.")
@click.option("--constant", type=click.FloatRange(0.1, 100), default=1.7, help="Depth to compare with [m].")
@options.device
@options.json_file
@click.pass_context
def main(ctx, pairs, model, weights, split, depth_scale, protocol, constant, device, json_path) -> None:
    """Measure abs_rel in metres and with median scaling, beside a constant, scene by scene.

    FOLDER has the layout of BTS or that of RGBDFolder (data/README.md); a scene is a folder of images in it, called by
    its path. The focal length of the pairs is given to the model.
    """
    if math.isnan(constant):
        raise click.UsageError("--constant: is not a number; expected metres.", ctx)
    shown = model or weights
    model, weights = choose_model(model, weights, None, ctx)
    options.check_output(json_path, weights)
    if model is not None:
        if find_model(model).kind == "relative":
            raise InputError(f"{model}: gives no metres; name a metric model")
        options.fetch_zoo_model(model, weights)
    from depthkit.analysis.zero_shot import evaluate_zero_shot, zero_shot_table
    from depthkit.datasets import RGBDFolder
    from depthkit.evaluation import get_protocol

    prepared = get_protocol(protocol)
    source = RGBDFolder(pairs, depth_scale, split=split).source
    if model is None:
        predictor = options.load_predictor(None, weights, device)
    else:
        predictor = options.load_zoo_predictor(model, weights, device)
    if predictor.kind == "relative":
        raise InputError(f"{shown}: gives no metres; name a metric model")
    scenes = evaluate_zero_shot(
        map(source.read, source.entries()),
        source.folder,
        lambda image, focal: predictor(image, focal).depth,
        prepared,
        constant,
    )
    if not scenes:
        raise InputError(f"{pairs}: no pair has a valid pixel under protocol {protocol}; check --depth-scale")
    print(f"{shown}; constant: {constant:g} m; protocol {prepared.description}")
    print(zero_shot_table(scenes))
    if json_path:
        options.write_json(json_path, [dataclasses.asdict(one) for one in scenes])


if __name__ == "__main__":
    run_tool(main)
