#!/usr/bin/env python
"""Evaluate a checkpoint on the test set of its config; prints the protocol, the metrics and the speed.

python tools/test.py configs/nyu_tosa_small.py work_dirs/nyu_tosa_small/epoch_20.pth --out results.json
"""

import argparse

from depthkit.utils.console import add_config_options, run_tool


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="test.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="the config that the checkpoint was trained with")
    parser.add_argument("checkpoint", help="a .pth file from tools/train.py")
    parser.add_argument("--out", metavar="JSON", help="write the result to this file too")
    parser.add_argument("--save-dir", metavar="DIR", help="write the predictions as 16-bit PNG [mm]")
    parser.add_argument("--protocol", help="eigen, full or densedepth (default: the config's)")
    parser.add_argument("--flip", action="store_true", help="average with the prediction of the mirrored image")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 or mps (default: a GPU if there is one)")
    parser.add_argument("--launcher", choices=("none", "pytorch"), default="none", help="pytorch under torchrun")
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    args = parse_args(argv)
    import os
    from pathlib import Path

    from depthkit.utils.config import load_config
    from depthkit.utils.output_folder import make_output_folder

    config = load_config(args.config, args.cfg_options)
    from depthkit.apis.evaluate import evaluate  # seconds: after the config is known to be right

    if args.out:
        make_output_folder(Path(args.out).absolute().parent)  # before minutes of evaluation, not after
    result = evaluate(
        config,
        args.checkpoint,
        protocol=args.protocol,
        flip=args.flip,
        save_dir=args.save_dir,
        launcher=args.launcher,
        device=args.device,
    )
    if int(os.environ.get("RANK", "0")) == 0:
        print(f"\n{result.table()}")
        if args.out:
            result.write_json(args.out)
    return 0


if __name__ == "__main__":
    run_tool(main)
