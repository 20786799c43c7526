"""Time backbones, or whole depth models, against timm's dense DeiT in the same run.

A variant is `deit` (ours), `tosa_shared:KEEP`, `tosa_per_head:KEEP` or `evit:KEEP`; KEEP is one number or, for ToSA,
one for each pair of layers with commas between. The baseline `timm` is always there.
JSON: machine, threads, torch, task, model, device, dtype, compile, train, pictures, selector_layers, rounds, and for
each of `results`:
variant, height and width [px], batch, macs (one image, forward), ms (median), ms_low, ms_high (10th, 90th percentile),
speedup (median over rounds of the baseline's time by this one's), peak_bytes (of the forward pass, without weights).

python tools/benchmark.py --json speed.json
python tools/benchmark.py --model tiny --weights deit_tiny.safetensors --pictures photos/ --variants tosa_per_head:0.5
"""

import argparse
import json
import platform
from pathlib import Path

from depthkit.utils.console import run_tool

DEFAULT_VARIANTS = [
    "deit",
    *(f"{kind}:{k}" for kind in ("tosa_shared", "tosa_per_head", "evit") for k in (0.7, 0.5, 0.25)),
]


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmark.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", nargs="+", default=DEFAULT_VARIANTS, metavar="NAME[:KEEP]")
    parser.add_argument("--task", choices=["backbone", "depth"], default="backbone")
    parser.add_argument("--model", choices=["tiny", "small", "base"], default="small")
    parser.add_argument(
        "--inputs", nargs="+", default=["224x224:8", "480x640:1"], metavar="HxW:BATCH", help="input sizes [px]"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument(
        "--weights", metavar="FILE", help="what per_head costs depends on the weights (default: random)"
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="... and on the input (default: noise)")
    parser.add_argument("--selector-layers", type=int, choices=[0, 1, 2], default=1, help="depth of ToSA's selectors")
    parser.add_argument("--train", action="store_true", help="time forward and backward passes of depth models' losses")
    parser.add_argument(
        "--compile", choices=["default", "reduce-overhead"], help="torch.compile all; reduce-overhead: CUDA graphs"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    arguments = parser.parse_args(argv)
    if arguments.rounds < 1:
        parser.error(f"--rounds {arguments.rounds}: expected 1 or more")
    if arguments.train and arguments.task != "depth":
        parser.error("--train: losses are those of depth models; add --task depth")
    if arguments.train and arguments.compile:
        parser.error("--train: cannot be combined with --compile")
    return arguments


def main(argv: list[str]) -> int:
    arguments = parse_args(argv)
    inputs = [_parse_input(text) for text in arguments.inputs]

    import torch

    from depthkit.analysis.benchmark import count_macs, image_batch, peak_memory, time_interleaved, training_step
    from depthkit.analysis.benchmark_variants import build_variant
    from depthkit.utils.device import select_device
    from depthkit.utils.io import atomic_path

    device = select_device(arguments.device)
    dtype = getattr(torch, arguments.dtype)
    synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    torch.manual_seed(0)
    models = {
        name: build_variant(name, arguments.task, arguments.model, arguments.weights, arguments.selector_layers)
        .to(device, dtype)
        .eval()
        for name in ["timm", *arguments.variants]
    }
    results = []
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for height, width, batch in inputs:
        if arguments.pictures:
            images = image_batch(arguments.pictures, height, width, batch)
        else:
            images = torch.randn(batch, 3, height, width)
        images = images.to(device, dtype)
        run = {name: torch.compile(m, mode=arguments.compile) if arguments.compile else m for name, m in models.items()}
        passes = {name: lambda model=model, images=images: model(images) for name, model in run.items()}
        if arguments.train:
            passes = {name: training_step(model, images) for name, model in models.items()}
        timings = time_interleaved(passes, "timm", arguments.rounds, synchronize, gradients=arguments.train)
        kind = f"{arguments.task}{', training step' if arguments.train else ''}"
        print(f"\n{kind}, {arguments.model}, {height}x{width}, batch {batch}, {arguments.dtype}, {device}")
        print(f"{'variant':<32}{'GMACs/image':>12}{'ms':>10}{'10-90 %':>18}{'speed-up':>10}{'peak MiB':>10}")
        for name, model in models.items():
            timing = timings[name]
            # Of the whole batch: with per_head, how many tokens some head attends depends on the picture.
            macs = count_macs(model.eval(), images) // batch
            peak = peak_memory(model, images)
            spread = f"{timing.low:.1f}-{timing.high:.1f}"
            print(
                f"{name:<32}{macs / 1e9:>12.2f}{timing.median:>10.1f}{spread:>18}{timing.speedup:>10.2f}"
                f"{peak / 2**20:>10.1f}"
            )
            results.append(
                dict(variant=name, height=height, width=width, batch=batch, macs=macs, ms=timing.median)
                | dict(ms_low=timing.low, ms_high=timing.high, speedup=timing.speedup, peak_bytes=peak)
            )
    if arguments.json:
        report = dict(
            machine=platform.processor() or platform.machine(),
            threads=torch.get_num_threads(),
            torch=torch.__version__,
            task=arguments.task,
            model=arguments.model,
            device=str(device),
            dtype=arguments.dtype,
            compile=arguments.compile,
            train=arguments.train,
            pictures=str(arguments.pictures) if arguments.pictures else None,
            selector_layers=arguments.selector_layers,
            rounds=arguments.rounds,
            results=results,
        )
        with atomic_path(arguments.json) as temporary:
            temporary.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _parse_input(text: str) -> tuple[int, int, int]:
    from depthkit.errors import InputError

    try:
        size, batch = text.split(":")
        height, width = size.split("x")
        parsed = int(height), int(width), int(batch)
    except ValueError:
        parsed = (0, 0, 0)
    if min(parsed) < 1:
        raise InputError(f"--inputs {text}: expected HEIGHTxWIDTH:BATCH, such as 480x640:1")
    return parsed


if __name__ == "__main__":
    run_tool(main)
