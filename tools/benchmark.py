"""Time backbones, or whole depth models, against timm's dense DeiT in the same run.

A variant is `deit` (ours), `tosa_shared:KEEP`, `tosa_per_head:KEEP` or `evit:KEEP` (with fused token); the baseline
`timm` is always there. Higher resolution at equal cost: `--inputs 288x288:8 --variants evit:0.5`.
JSON: machine, threads, torch, task, model, device, dtype, rounds, and for each of `results`: variant, height and
width [px], batch, macs (one image), ms (median), ms_low, ms_high (10th, 90th percentile), speedup, peak_bytes.
"""

import argparse
import json
import platform
from pathlib import Path

from depthkit.cli import run_tool

DEFAULT_VARIANTS = ["deit", *(f"tosa_{s}:{k}" for s in ("shared", "per_head") for k in (0.7, 0.5, 0.25))]
SIZES = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="benchmark.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", nargs="+", default=DEFAULT_VARIANTS, metavar="NAME[:KEEP]")
    parser.add_argument("--task", choices=["backbone", "depth"], default="backbone")
    parser.add_argument("--model", choices=list(SIZES), default="small")
    parser.add_argument(
        "--inputs", nargs="+", default=["224x224:8", "480x640:1"], metavar="HxW:BATCH", help="input sizes [px]"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    arguments = parser.parse_args(argv)
    inputs = [_parse_input(text) for text in arguments.inputs]
    if arguments.rounds < 1:
        parser.error(f"--rounds {arguments.rounds}: expected 1 or more")

    import torch

    from depthkit.benchmark import count_macs, peak_memory, time_interleaved
    from depthkit.engine.device import select_device
    from depthkit.io import atomic_path

    device = select_device(arguments.device)
    dtype = getattr(torch, arguments.dtype)
    synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    torch.manual_seed(0)
    models = {
        name: _build(name, arguments.task, arguments.model).to(device, dtype).eval()
        for name in ["timm", *arguments.variants]
    }
    results = []
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for height, width, batch in inputs:
        images = torch.randn(batch, 3, height, width, device=device, dtype=dtype)
        passes = {name: lambda model=model, images=images: model(images) for name, model in models.items()}
        timings = time_interleaved(passes, "timm", arguments.rounds, synchronize)
        print(f"\n{arguments.task} {arguments.model}, {height}x{width}, batch {batch}, {arguments.dtype}, {device}")
        print(f"{'variant':<20}{'GMACs/image':>12}{'ms':>10}{'10-90 %':>18}{'speed-up':>10}{'peak MiB':>10}")
        for name, model in models.items():
            timing = timings[name]
            macs = count_macs(model, images[:1])
            peak = peak_memory(model, images)
            spread = f"{timing.low:.1f}-{timing.high:.1f}"
            print(
                f"{name:<20}{macs / 1e9:>12.2f}{timing.median:>10.1f}{spread:>18}{timing.speedup:>10.2f}"
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


def _build(name: str, task: str, size: str):
    from depthkit.errors import InputError
    from depthkit.models import DeiT, EViT, ToSA
    from depthkit.registry import MODELS

    kind, _, keep = name.partition(":")
    dim, heads = SIZES[size]
    backbone = dict(embed_dim=dim, num_heads=heads)
    if name == "timm" and task == "backbone":
        import timm

        return timm.create_model(f"deit_{size}_patch16_224", num_classes=0, dynamic_img_size=True)
    try:
        if kind in ("tosa_shared", "tosa_per_head"):
            backbone |= dict(type="ToSA", selection=kind.removeprefix("tosa_"), keep_rate=float(keep))
        elif kind == "evit":
            backbone |= dict(type="EViT", num_classes=0, keep_rate=float(keep))
        elif kind in ("deit", "timm") and not keep:
            backbone |= dict(type="DeiT")
        else:
            raise ValueError
    except ValueError:
        raise InputError(
            f"--variants {name}: expected deit, tosa_shared:KEEP, tosa_per_head:KEEP or evit:KEEP, such as evit:0.5"
        ) from None
    if task == "backbone":
        return {"DeiT": DeiT, "EViT": EViT, "ToSA": ToSA}[backbone.pop("type")](**backbone)
    return MODELS.build(
        dict(
            type="DepthEstimator",
            backbone=backbone | dict(out_indices=(2, 4, 8, 10)),
            decode_head=dict(type="DPTHead", in_channels=(dim,) * 4),
        )
    )


if __name__ == "__main__":
    run_tool(main)
