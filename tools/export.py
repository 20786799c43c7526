#!/usr/bin/env python
"""Export a trained depth model as one file for torch (torch.export, .pt2) or ONNX runtimes (.onnx).

python tools/export.py configs/nyu_tosa_small_shared.py best.pth --format onnx --out depth.onnx

The graph takes `images`, RGB, float32 (B, 3, H, W) from 0 to 255, and gives `depth`, float32 (B, 1, H, W), in
metres. Any batch and size: H and W are multiples of the model's size_divisor, and 128 px or more; resizing and padding
are left to the caller. The file is run and compared with the model on a photo before it is kept.
"""

import argparse

from depthkit.utils.console import add_config_options, run_tool


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="export.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="the config that the checkpoint was trained with")
    parser.add_argument("checkpoint", help="a .pth file from tools/train.py")
    parser.add_argument("--format", choices=["torch", "onnx"], required=True)
    parser.add_argument("--out", required=True, metavar="FILE", help="a name that ends in .pt2 or .onnx")
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    args = parse_args(argv)
    from depthkit.apis.predictor import DepthPredictor
    from depthkit.export.agreement import TOLERANCE
    from depthkit.export.deployable import smallest_side
    from depthkit.export.formats import export_model
    from depthkit.utils.config import load_config

    model = DepthPredictor(load_config(args.config, args.cfg_options), args.checkpoint).model
    found = export_model(model, args.out, args.format)
    print(f"{args.out}: depth of RGB images from 0 to 255, (B, 3, H, W) to (B, 1, H, W) [m]")
    print(f"H and W: multiples of {model.size_divisor}, {smallest_side(model.size_divisor)} px or more")
    if model.test_cfg["flip"] or model.test_cfg["mode"] != "whole":
        print(f"not part of the file: test_cfg {model.test_cfg}")
    print(f"against torch, on a photo: largest difference [m], pixels beyond the tolerance of {TOLERANCE:g} m")
    for one in found:
        batch, height, width = one.size
        print(f"{batch} x {height} x {width} px: {one.largest:.2g} m, {one.beyond:.2%}")
    return 0


if __name__ == "__main__":
    run_tool(main)
