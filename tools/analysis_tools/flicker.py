#!/usr/bin/env python
"""Measure how much the depth of a video flickers, and what smoothing makes of it."""

import dataclasses
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.cli.model_choice import choose_model
from depthkit.errors import InputError
from depthkit.utils.console import run_tool
from depthkit.video.sources import is_video

if TYPE_CHECKING:
    from depthkit.datasets.sample import Frame


@click.command(
    cls=Command,
    examples=(
        "python tools/analysis_tools/flicker.py clip.mp4 --model rooms-deit-tiny",
        "python tools/analysis_tools/flicker.py data/pairs --scene kitchen --model rooms-deit-tiny",
        "python tools/analysis_tools/flicker.py data/pairs --scene kitchen --still 100 --model rooms-deit-tiny",
    ),
)
@click.argument("source", type=click.Path(path_type=Path), metavar="VIDEO|FOLDER")
@options.zoo_model
@options.weights_of_zoo_model
@click.option("--scene", metavar="NAME", help="Of a FOLDER: the folder in it whose images are the frames, by name.")
@click.option("--depth-scale", type=float, default=1000, help="Of a FOLDER: units of the depth files per metre.")
@click.option("--frames", type=click.IntRange(2), default=1000, help="No more frames than these.")
@click.option("--still", type=click.IntRange(0), metavar="N", help="Take frame N again and again, with new noise.")
@click.option("--noise", type=click.FloatRange(0, 64), default=4, help="Of --still: std [grey levels].")
@options.device
@options.json_file
@click.pass_context
def main(ctx, source, model, weights, scene, depth_scale, frames, still, noise, device, json_path) -> None:
    """Measure how much depth flickers, as it is and smoothed, and its errors where there is ground truth.

    FOLDER has the layout of BTS (data/README.md); the images of a scene, sorted by name, are the frames.
    """
    shown = model or weights
    model, weights = choose_model(model, weights, None, ctx)
    options.check_output(json_path, weights)
    if model is not None:
        options.fetch_zoo_model(model, weights)
    from depthkit.analysis.flicker import compare_smoothing, flicker_table, still_frames

    has_truth = not is_video(source)
    found = _read_pairs(source, scene, depth_scale) if has_truth else _read_video(source)
    if still is not None:
        frame = next(islice(found, still, None), None)
        if frame is None:
            raise InputError(f"{source}: has no frame {still}; give a smaller --still")
        found = still_frames(frame, min(frames, 60), noise)
    if model is None:
        predictor = options.load_predictor(None, weights, device)
    else:
        predictor = options.load_zoo_predictor(model, weights, device)
    if predictor.kind == "relative":
        raise InputError(f"{shown}: gives no metres; name a metric model")
    results = dict(
        zip(("as it is", "smoothed"), compare_smoothing(islice(found, frames), predictor, has_truth), strict=True)
    )
    print(flicker_table(results.items()))
    if json_path:
        options.write_json(json_path, {name: dataclasses.asdict(one) for name, one in results.items()})


def _read_video(path: Path) -> "Iterator[Frame]":
    import numpy as np

    from depthkit.datasets.sample import Frame
    from depthkit.video.reader import VideoReader

    with VideoReader(path) as reader:
        for frame in reader.frames():
            yield Frame(frame.image, np.zeros(frame.image.shape[:2], np.float32), None, f"{path}#{frame.index}")


def _read_pairs(folder: Path, scene: str | None, depth_scale: float) -> "Iterator[Frame]":
    from depthkit.datasets import RGBDFolder

    splits = [split for split in ("train", "test") if (folder / f"{split}.txt").is_file()] or ["all"]
    source = RGBDFolder(folder, depth_scale, split=splits[0]).source
    entries = [entry for split in splits for entry in RGBDFolder(folder, depth_scale, split=split).source.entries()]
    entries = [entry for entry in entries if scene is None or Path(entry["rgb"]).parent == Path(scene)]
    if not entries:
        raise InputError(f"{folder}: has no images in a folder '{scene}'; name another --scene")
    yield from map(source.read, sorted(entries, key=lambda entry: entry["rgb"]))


if __name__ == "__main__":
    run_tool(main)
