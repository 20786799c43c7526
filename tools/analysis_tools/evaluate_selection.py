#!/usr/bin/env python
"""Measure top-1 of classifiers: ToSA and EViT beside the dense model and other ways to choose tokens.

It needs labels; `depthkit evaluate-selection` is for depth and needs none.
"""

from contextlib import nullcontext
from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command, VariadicOption
from depthkit.cli.finite_range import FiniteRange
from depthkit.cli.selection_options import KEEP_RATE
from depthkit.utils.console import run_tool

SELECTIONS = ("shared", "per_head", "evit", "evit_unfused")
SCORES = ("selector", "identity", "class_token", "oracle", "random", "least")


@click.command(
    cls=Command,
    aliases=options.OLD_WEIGHTS | {"--prefix-share": "--cls-token-weight"},
    examples=("python tools/analysis_tools/evaluate_selection.py imagenet/val --weights epoch_20.pth",),
)
@click.argument("images", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option(
    "--weights", required=True, metavar="FILE", help="Of a DeiT, ToSA, EViT or Classifier: .pth or .safetensors."
)
@click.option("--dense-weights", metavar="FILE", help="Weights of the dense model.  [default: those of --weights]")
@click.option("--size", type=click.Choice(["tiny", "small", "base"]), default="tiny", help="Size of the models.")
@click.option("--split", type=click.Choice(["all", "train", "val"]), default="all", help="Folders to use.")
@click.option(
    "--hold-out-every", type=click.IntRange(2), metavar="N", help="Every N-th folder is 'val', as in training."
)
@click.option(
    "--selection",
    "selections",
    cls=VariadicOption,
    type=click.Choice(SELECTIONS),
    default=("shared", "per_head"),
    help="What to measure.",
)
@click.option(
    "--keep-rate",
    "keep_rates",
    cls=VariadicOption,
    type=KEEP_RATE,
    default=(0.7, 0.5, 0.25),
    metavar="RATE ...",
    help="0.5, or one for each pair of layers (ToSA), for each layer (EViT): 0.7,0.6,0.5,0.5,0.4,0.3.",
)
@click.option(
    "--score",
    "scores",
    cls=VariadicOption,
    type=click.Choice(SCORES),
    default=("selector",),
    help="What ToSA chooses tokens by: its selector, and controls beside it.",
)
@click.option("--score-rows", type=click.Choice(["all", "grid", "pooled"]), default="pooled", help="Of ToSA.")
@click.option(
    "--cls-token-weight",
    type=FiniteRange(0, 1),
    help="Weight of the class token's row in the importance.  [default: as of any row]",
)
@click.option("--selector-layers", type=click.IntRange(0, 2), default=1, help="Depth of the selectors of ToSA.")
@click.option("--img-size", type=click.IntRange(16, 4096), default=224, help="Side of the images [px].")
@click.option("--batch-size", type=click.IntRange(min=1), default=50, help="Images in a batch.")
@options.device
@options.json_file
def main(
    images, weights, dense_weights, size, split, hold_out_every, selections, keep_rates, scores, img_size, batch_size,
    device, json_path, **scoring,
) -> None:  # fmt: skip
    """Measure top-1 of ToSA and EViT on ImageNet, beside the dense model and other ways to choose tokens.

    FOLDER has one folder of images for each class, named by its wnid; some of the 1000 classes will do.
    Prints a table. The JSON file has images, skipped (unreadable), split, transform, weights, dense_weights and for
    each of `results`: selection, keep_rate, score, top1 [%], agreement with the dense model [%], macs (of one image,
    mean of eight, scoring included).
    """
    options.check_output(json_path, weights, dense_weights)
    import numpy as np
    import torch

    from depthkit.analysis.selection_baselines import scored_by
    from depthkit.analysis.top1 import classify, load_batches, percent
    from depthkit.datasets import ImageNet
    from depthkit.datasets.transforms import PackClassInputs, TimmTransform
    from depthkit.errors import InputError
    from depthkit.models import DeiT, EViT, ToSA
    from depthkit.models.backbones.deit import SIZES
    from depthkit.utils.device import select_device
    from depthkit.utils.macs import count_macs

    device = select_device(device)
    transform = TimmTransform(img_size)
    pipeline = [transform, PackClassInputs()]
    dataset = ImageNet(images, split=split, hold_out_every=hold_out_every, pipeline=pipeline, test_mode=True)
    dense_weights = dense_weights or weights
    common = SIZES[size] | dict(num_classes=1000)
    dense = DeiT(**common, pretrained=dense_weights).to(device).eval()

    def build(selection: str) -> ToSA | EViT:
        if selection.startswith("evit"):
            model = EViT(**common, fuse_token=selection == "evit", pretrained=weights)
        else:
            model = ToSA(**common, **scoring, selection=selection, pretrained=weights)
        return model.to(device).eval()

    models = {selection: build(selection) for selection in selections}
    loaded = list(load_batches(dataset, batch_size))
    if not loaded:
        raise InputError(f"{images}: none of its {len(dataset)} images can be read; give another folder")
    batches = [batch.to(device) for batch, _ in loaded]
    labels = torch.cat([classes for _, classes in loaded])

    expected = classify(dense, batches).cpu()
    results = []
    skipped = len(dataset) - len(labels)
    print(
        f"{len(labels)} images, split {split}"
        + (f", {skipped} unreadable skipped" if skipped else "")
        + f"; {transform.description}"
    )
    print(f"{'selection':<14}{'keep rate':<32}{'score':<13}{'top-1 %':>8}{'agree %':>9}{'GMACs':>8}")

    sample = batches[0][:8]  # with per_head, how many tokens some head attends depends on the image

    def report(selection: str, keep_rate: object, score: str, predicted: torch.Tensor, macs: int) -> None:
        top1, agreement = percent(predicted == labels), percent(predicted == expected)
        rates = ",".join(f"{rate:g}" for rate in np.atleast_1d(keep_rate))
        print(
            f"{selection:<14}{rates:<31} {score:<13}{top1:>8.1f}{agreement:>9.1f}{macs / 1e9:>8.2f}",
            flush=True,
        )
        result = dict(selection=selection, keep_rate=keep_rate, score=score)
        results.append(result | dict(top1=top1, agreement=agreement, macs=macs))

    report("dense", 1.0, "-", expected, count_macs(dense, sample) // len(sample))
    for selection, model in models.items():
        selects_itself = isinstance(model, EViT)
        for keep_rate in keep_rates:
            model.keep_rate = keep_rate
            for score in ["class_token"] if selects_itself else scores:
                with nullcontext() if selects_itself else scored_by(model, score):
                    macs = count_macs(model, sample) // len(sample)
                    report(selection, keep_rate, score, classify(model, batches).cpu(), macs)
    if json_path:
        content = dict(images=len(labels), skipped=skipped, split=split, transform=transform.description)
        content |= dict(weights=weights, dense_weights=dense_weights, results=results)
        options.write_json(json_path, content)


if __name__ == "__main__":
    run_tool(main)
