"""Top-1 of ToSA on folders of ImageNet pictures, beside the dense model and other ways to choose tokens.

The pictures lie in folders named by wnid; part of the 1000 classes will do. A table, and with --json:
pictures, split, transform, weights, dense_weights and for each of `results`: selection, keep_rate, score,
top1 [%], agreement with the dense model [%], macs (of one picture, mean of eight, scoring included).

python tools/evaluate_selection.py imagenet/val --weights epoch_20.pth --dense-weights deit_tiny.safetensors
"""

import argparse
import json
from pathlib import Path

from depthkit.cli import run_tool

SCORES = ("selector", "identity", "class_token", "oracle", "random", "least")


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="evaluate_selection.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pictures", type=Path, help="folder with a folder of pictures for each class")
    parser.add_argument("--weights", required=True, help="of a ToSA or DeiT: .pth or .safetensors")
    parser.add_argument("--dense-weights", help="of the dense model (default: --weights)")
    parser.add_argument("--size", choices=["tiny", "small", "base"], default="tiny")
    parser.add_argument("--split", choices=["all", "train", "val"], default="all")
    parser.add_argument(
        "--hold-out-every", type=int, help="every so-manieth folder is 'val', as in training (with --split)"
    )
    parser.add_argument("--selection", nargs="+", choices=["shared", "per_head"], default=["shared", "per_head"])
    parser.add_argument(
        "--keep-rate",
        nargs="+",
        type=_keep_rate,
        default=[0.7, 0.5, 0.25],
        metavar="RATE",
        help="0.5, or one for each pair of layers: 0.7,0.6,0.5,0.5,0.4,0.3",
    )
    parser.add_argument("--score", nargs="+", choices=SCORES, default=["selector"], help="controls beside it")
    parser.add_argument("--score-rows", choices=["all", "grid", "pooled"], default="pooled")
    parser.add_argument(
        "--prefix-share", type=float, help="weight of the class token's row in the importance (default: as any row's)"
    )
    parser.add_argument("--selector-layers", type=int, choices=[0, 1, 2], default=1)
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--device", help="cpu, cuda, cuda:1 or mps (default: a GPU if there is one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    arguments = parse_args(argv)
    import torch

    from depthkit.benchmark import count_macs
    from depthkit.datasets.picture_folder import find_pictures, split_pictures
    from depthkit.engine.device import select_device
    from depthkit.errors import InputError
    from depthkit.evaluation.scores import scored_by
    from depthkit.evaluation.top1 import TRANSFORM, classify, imagenet_labels, load_batches, percent
    from depthkit.io import atomic_path
    from depthkit.models import DeiT, ToSA
    from depthkit.models.backbones.deit import SIZES

    if arguments.batch_size < 1:
        raise InputError(f"--batch-size {arguments.batch_size}: expected 1 or more")
    device = select_device(arguments.device)
    files = find_pictures(arguments.pictures)
    files = split_pictures(files, arguments.pictures, arguments.split, arguments.hold_out_every)
    labels = imagenet_labels(files)
    dense_weights = arguments.dense_weights or arguments.weights
    common = SIZES[arguments.size] | dict(num_classes=1000)
    dense = DeiT(**common, pretrained=dense_weights).to(device).eval()
    model = ToSA(
        **common,
        score_rows=arguments.score_rows,
        prefix_share=arguments.prefix_share,
        selector_layers=arguments.selector_layers,
        pretrained=arguments.weights,
    )
    model = model.to(device).eval()
    batches = [batch.to(device) for batch in load_batches(files, arguments.batch_size)]

    expected = classify(dense, batches).cpu()
    results = []
    print(f"{len(files)} pictures, split {arguments.split}; {TRANSFORM}")
    print(f"{'selection':<10}{'keep rate':<32}{'score':<13}{'top-1 %':>8}{'agree %':>9}{'GMACs':>8}")

    sample = batches[0][:8]  # with per_head, how many tokens some head attends depends on the picture

    def report(selection: str, keep_rate: object, score: str, predicted: torch.Tensor, macs: int) -> None:
        top1, agreement = percent(predicted == labels), percent(predicted == expected)
        print(
            f"{selection:<10}{keep_rate!s:<32}{score:<13}{top1:>8.1f}{agreement:>9.1f}{macs / 1e9:>8.2f}",
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
    for selection in arguments.selection:
        for block in model.blocks[1::2]:
            block.selection = selection
        for keep_rate in arguments.keep_rate:
            model.keep_rate = keep_rate
            for score in arguments.score:
                with scored_by(model, score):
                    macs = count_macs(model, sample) // len(sample)
                    report(selection, keep_rate, score, classify(model, batches).cpu(), macs)
    if arguments.json:
        content = dict(
            pictures=len(files),
            split=arguments.split,
            transform=TRANSFORM,
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
