#!/usr/bin/env python
"""Predict the depth of photos.

python tools/predict.py photo.jpg holiday/ "more/*.png" --config configs/nyu_tosa_small.py \\
    --checkpoint best.pth --out out

For each photo: NAME_colored.png, the depth map in colour with a colour bar in metres (red is near, blue is
far); NAME_depth.png, 16-bit, millimetres; NAME_depth.npy, float32, metres. Photos of any size and kind; EXIF
rotation is honoured. Exit status: 0; 1 when some photos could not be read; 2 when nothing could be done.
"""

import argparse
import sys

from depthkit.utils.console import add_config_options, run_tool


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="predict.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO|FOLDER|GLOB", help="what to predict")
    parser.add_argument("--config", required=True, help="the config that the checkpoint was trained with")
    parser.add_argument("--checkpoint", required=True, help="a .pth file from tools/train.py")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--side-by-side", action="store_true", help="also NAME_side_by_side.png: photo | depth")
    parser.add_argument("--point-cloud", action="store_true", help="also NAME_points.ply, in metres")
    parser.add_argument("--classes", action="store_true", help="also print the five likeliest ImageNet classes")
    parser.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("MIN", "MAX"),
        help="ends of the colour bar in metres, the same for all photos (default: 0 to the model's maximum)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps (default: cpu)")
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    args = parse_args(argv)
    from depthkit.apis.predict import find_photos, predict_photos

    photos, problems = find_photos(args.photos)  # before the seconds that torch and mmseg take to import
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if not photos:
        return 2

    from depthkit.apis.predictor import DepthPredictor
    from depthkit.utils.config import load_config

    predictor = DepthPredictor(load_config(args.config, args.cfg_options), args.checkpoint, args.device)
    failed = predict_photos(
        predictor,
        photos,
        args.out,
        depth_range=None if args.range is None else tuple(args.range),
        side_by_side=args.side_by_side,
        point_cloud=args.point_cloud,
        classes=args.classes,
    )
    if failed == len(photos):
        return 2
    return 1 if failed or problems else 0


if __name__ == "__main__":
    run_tool(main)
