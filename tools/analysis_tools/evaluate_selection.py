"""Top-1 of ToSA and EViT on folders of ImageNet pictures, beside the dense model and other ways to choose tokens.

The pictures lie in folders named by wnid; part of the 1000 classes will do. A table, and with --json:
pictures, skipped (unreadable), split, transform, weights, dense_weights and for each of `results`: selection,
keep_rate, score, top1 [%], agreement with the dense model [%], macs (of one picture, mean of eight, scoring included).

python tools/analysis_tools/evaluate_selection.py imagenet/val --weights epoch_20.pth
"""

import argparse
import json
from contextlib import nullcontext
from pathlib import Path

from depthkit.utils.console import run_tool

SELECTIONS = ("shared", "per_head", "evit", "evit_unfused")
SCORES = ("selector", "identity", "class_token", "oracle", "random", "least")


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="evaluate_selection.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pictures", type=Path, help="folder with a folder of pictures for each class")
    parser.add_argument("--weights", required=True, help="of a DeiT, ToSA, EViT or Classifier: .pth or .safetensors")
    parser.add_argument("--dense-weights", help="of the dense model (default: --weights)")
    parser.add_argument("--size", choices=["tiny", "small", "base"], default="tiny")
    parser.add_argument("--split", choices=["all", "train", "val"], default="all")
    parser.add_argument(
        "--hold-out-every", type=int, help="every so-manieth folder is 'val', as in training (with --split)"
    )
    parser.add_argument("--selection", nargs="+", choices=SELECTIONS, default=["shared", "per_head"])
    parser.add_argument(
        "--keep-rate",
        nargs="+",
        type=_keep_rate,
        default=[0.7, 0.5, 0.25],
        metavar="RATE",
        help="0.5, or one for each pair of layers (ToSA), for each layer (EViT): 0.7,0.6,0.5,0.5,0.4,0.3",
    )
    parser.add_argument(
        "--score", nargs="+", choices=SCORES, default=["selector"], help="ToSA's, and controls beside it"
    )
    parser.add_argument("--score-rows", choices=["all", "grid", "pooled"], default="pooled")
    parser.add_argument(
        "--prefix-share", type=float, help="weight of the class token's row in the importance (default: as any row's)"
    )
    parser.add_argument("--selector-layers", type=int, choices=[0, 1, 2], default=1)
    parser.add_argument("--img-size", type=int, default=224, help="side of the pictures [px]")
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--device", help="cpu, cuda, cuda:1 or mps (default: a GPU if there is one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    arguments = parse_args(argv)
    import torch

    from depthkit.analysis.benchmark import count_macs
    from depthkit.analysis.selection_baselines import scored_by
    from depthkit.analysis.top1 import classify, load_batches, percent
    from depthkit.datasets import ImageNet
    from depthkit.datasets.transforms import PackClassInputs, TimmTransform
    from depthkit.errors import InputError
    from depthkit.models import DeiT, EViT, ToSA
    from depthkit.models.backbones.deit import SIZES
    from depthkit.utils.device import select_device
    from depthkit.utils.io import atomic_path

    if arguments.batch_size < 1:
        raise InputError(f"--batch-size {arguments.batch_size}: expected 1 or more")
    device = select_device(arguments.device)
    transform = TimmTransform(arguments.img_size)
    dataset = ImageNet(
        arguments.pictures,
        split=arguments.split,
        hold_out_every=arguments.hold_out_every,
        pipeline=[transform, PackClassInputs()],
        test_mode=True,
    )
    dense_weights = arguments.dense_weights or arguments.weights
    common = SIZES[arguments.size] | dict(num_classes=1000)
    dense = DeiT(**common, pretrained=dense_weights).to(device).eval()
    scoring = dict(
        score_rows=arguments.score_rows,
        cls_token_weight=arguments.cls_token_weight,
        selector_layers=arguments.selector_layers,
    )

    def build(selection: str) -> ToSA | EViT:
        if selection.startswith("evit"):
            model = EViT(**common, fuse_token=selection == "evit", pretrained=arguments.weights)
        else:
            model = ToSA(**common, **scoring, selection=selection, pretrained=arguments.weights)
        return model.to(device).eval()

    models = {selection: build(selection) for selection in arguments.selection}
    loaded = list(load_batches(dataset, arguments.batch_size))
    if not loaded:
        raise InputError(f"{arguments.pictures}: none of its {len(dataset)} pictures can be read")
    batches = [images.to(device) for images, _ in loaded]
    labels = torch.cat([classes for _, classes in loaded])

    expected = classify(dense, batches).cpu()
    results = []
    skipped = len(dataset) - len(labels)
    print(
        f"{len(labels)} pictures, split {arguments.split}"
        + (f", {skipped} unreadable skipped" if skipped else "")
        + f"; {transform.description}"
    )
    print(f"{'selection':<14}{'keep rate':<32}{'score':<13}{'top-1 %':>8}{'agree %':>9}{'GMACs':>8}")

    sample = batches[0][:8]  # with per_head, how many tokens some head attends depends on the picture

    def report(selection: str, keep_rate: object, score: str, predicted: torch.Tensor, macs: int) -> None:
        top1, agreement = percent(predicted == labels), percent(predicted == expected)
        print(
            f"{selection:<14}{keep_rate!s:<32}{score:<13}{top1:>8.1f}{agreement:>9.1f}{macs / 1e9:>8.2f}",
            flush=True,
        )
        results.append(
            dict(
                selection=selection,
                keep_rate=keep_rate,
                score=score,
                top1=top1,
                agreement=agreement,
                macs=macs,
            )
        )

    report("dense", 1.0, "-", expected, count_macs(dense, sample) // len(sample))
    for selection, model in models.items():
        selects_itself = isinstance(model, EViT)
        for keep_rate in arguments.keep_rate:
            model.keep_rate = keep_rate
            for score in ["class_token"] if selects_itself else arguments.score:
                with nullcontext() if selects_itself else scored_by(model, score):
                    macs = count_macs(model, sample) // len(sample)
                    report(selection, keep_rate, score, classify(model, batches).cpu(), macs)
    if arguments.json:
        content = dict(
            pictures=len(labels),
            skipped=skipped,
            split=arguments.split,
            transform=transform.description,
            weights=arguments.weights,
            dense_weights=dense_weights,
            results=results,
        )
        with atomic_path(arguments.json) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")
    return 0


def _keep_rate(text: str) -> float | tuple[float, ...]:
    try:
        rates = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number, nor numbers with commas between") from None
    return rates[0] if len(rates) == 1 else rates


if __name__ == "__main__":
    run_tool(main)
