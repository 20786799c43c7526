#!/usr/bin/env python
"""Train a model by a config.

python tools/train.py configs/nyu_tosa_small.py --cfg-options data_root=/data/nyu
torchrun --nproc_per_node 2 tools/train.py configs/nyu_tosa_small.py --launcher pytorch
"""

import argparse

from depthkit.utils.console import add_config_options, run_tool


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="train.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="a config, see configs/")
    parser.add_argument("--work-dir", help="for checkpoints and logs (default: work_dirs/<name of the config>)")
    parser.add_argument("--resume", action="store_true", help="go on from the last whole checkpoint there")
    parser.add_argument("--amp", action="store_true", help="mixed precision, on a GPU")
    parser.add_argument("--seed", type=int, help="of weights, order and augmentation (default: the config's)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 or mps (default: a GPU if there is one)")
    parser.add_argument("--launcher", choices=("none", "pytorch"), default="none", help="pytorch under torchrun")
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    args = parse_args(argv)
    from depthkit.utils.config import load_config

    config = load_config(args.config, args.cfg_options)
    from depthkit.apis.train import train  # seconds: after the config is known to be right

    train(
        config,
        work_dir=args.work_dir,
        resume=args.resume,
        amp=args.amp,
        seed=args.seed,
        launcher=args.launcher,
        device=args.device,
    )
    return 0


if __name__ == "__main__":
    run_tool(main)
