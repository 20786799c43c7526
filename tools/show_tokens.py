#!/usr/bin/env python
"""Show which patches of photos a ToSA attends to, or an EViT keeps: dark where they bypass the layer.

python tools/show_tokens.py photo.jpg --weights deit_tiny_patch16_224.safetensors --out out
python tools/show_tokens.py photo.jpg --config configs/nyu_tosa_small.py --checkpoint best.pth --out out

Writes NAME_tokens.png for each photo: the photo as the network sees it and a copy for each layer, in rows for the
heads where each has its own patches. With --weights the backbone is built of a DeiT's weights; with --config and
--checkpoint it is a trained depth model's, and its settings are changed with --cfg-options.
Exit status: 0; 1 when some photos could not be read; 2 when nothing could be done.
"""

import argparse
import sys

from depthkit.utils.console import add_config_options, run_tool

OF_WEIGHTS = {"model": "tosa", "size": "tiny", "keep_rate": 0.5, "selection": "shared", "img_size": 224}


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="show_tokens.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO|FOLDER|GLOB", help="what to show")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the pictures")
    parser.add_argument(
        "--layers",
        nargs="+",
        type=_layer,
        metavar="N|all",
        help="counted from 1 (default: 2 6 10, as in the paper's figure 4; of an EViT all that remove patches)",
    )
    weights = parser.add_argument_group("a backbone of pretrained weights")
    weights.add_argument("--weights", help="of a DeiT, ToSA or EViT: .pth or .safetensors")
    weights.add_argument("--model", choices=["tosa", "evit"], help="(default: tosa)")
    weights.add_argument("--size", choices=["tiny", "small", "base"], help="(default: tiny)")
    weights.add_argument("--keep-rate", type=float, help="part of the patches to attend (default: 0.5)")
    weights.add_argument("--selection", choices=["shared", "per_head"], help="ToSA's (default: shared)")
    weights.add_argument("--img-size", type=int, help="shorter side of the photo for the network [px] (default: 224)")
    config = parser.add_argument_group("the backbone of a trained depth model")
    config.add_argument("--config", help="the config that the checkpoint was trained with")
    config.add_argument("--checkpoint", help="a .pth file from tools/train.py")
    add_config_options(config)
    args = parser.parse_args(argv)
    given = [name for name in OF_WEIGHTS if getattr(args, name) is not None]
    if bool(args.weights) == bool(args.config) or bool(args.config) != bool(args.checkpoint):
        parser.error("expected either --weights, or --config and --checkpoint")
    if args.config and given:
        parser.error(f"--{given[0].replace('_', '-')} goes with --weights; change a config with --cfg-options")
    if args.weights and args.cfg_options:
        parser.error("--cfg-options goes with --config")
    if args.model == "evit" and args.selection:
        parser.error("--selection is ToSA's; an EViT removes tokens for all heads")
    if args.layers and "all" in args.layers and len(args.layers) > 1:
        parser.error("--layers: expected numbers, or all")
    return args


def main(argv: list[str]) -> int:
    args = parse_args(argv)
    from depthkit.apis.predict import find_photos

    photos, problems = find_photos(args.photos)  # before the seconds that torch and mmseg take to import
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if not photos:
        return 2

    from depthkit.analysis.selection_maps import save_token_maps, viewer_of_config, viewer_of_weights
    from depthkit.utils.config import load_config

    if args.config:
        viewer = viewer_of_config(load_config(args.config, args.cfg_options), args.checkpoint)
    else:
        chosen = {k: default if getattr(args, k) is None else getattr(args, k) for k, default in OF_WEIGHTS.items()}
        if args.model == "evit":
            chosen["selection"] = None
        viewer = viewer_of_weights(args.weights, **chosen)
    layers = args.layers and ("all" if "all" in args.layers else args.layers)
    failed = save_token_maps(viewer, photos, args.out, layers)
    if failed == len(photos):
        return 2
    return 1 if failed or problems else 0


def _layer(text: str) -> int | str:
    try:
        return text if text == "all" else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of a layer, nor 'all'") from None


if __name__ == "__main__":
    run_tool(main)
