"""`depthkit benchmark`."""

import platform
from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command, VariadicOption

_VARIANTS = (
    "deit",
    *(f"{kind}:{k}" for kind in ("tosa_shared", "tosa_per_head", "evit") for k in (0.7, 0.5, 0.25)),
)


def _parse_inputs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """Parse HEIGHTxWIDTH:BATCH."""
    parsed = []
    for value in values:
        try:
            size, batch = value.split(":")
            height, width = size.split("x")
            numbers = int(height), int(width), int(batch)
        except ValueError:
            numbers = (0, 0, 0)
        if min(numbers) < 1:
            raise click.BadParameter(f"'{value}': expected HEIGHTxWIDTH:BATCH, such as 480x640:1", ctx, param)
        parsed.append(numbers)
    return parsed


@click.command(
    "benchmark",
    cls=Command,
    aliases=options.OLD_WEIGHTS | {"--pictures": "--images"},
    examples=(
        "depthkit benchmark --json speed.json",
        "depthkit benchmark --model tiny --weights deit_tiny.safetensors --images images/ --variants tosa_per_head:0.5",
    ),
)
@click.option(
    "--variants",
    cls=VariadicOption,
    default=_VARIANTS,
    show_default="deit and 0.7, 0.5, 0.25 of each kind",
    metavar="NAME[:KEEP] ...",
    help="What to time.",
)
@click.option(
    "--task", type=click.Choice(["backbone", "depth"]), default="backbone", help="Backbones, or whole depth models."
)
@click.option("--model", type=click.Choice(["tiny", "small", "base"]), default="small", help="Size of the backbones.")
@click.option(
    "--inputs",
    cls=VariadicOption,
    callback=_parse_inputs,
    default=("224x224:8", "480x640:1"),
    metavar="HxW:BATCH ...",
    help="Input sizes [px].",
)
@click.option("--rounds", type=click.IntRange(min=1), default=15, help="Times that everything is run.")
@click.option("--dtype", type=click.Choice(["float32", "bfloat16"]), default="float32", help="Type of the numbers.")
@click.option(
    "--weights", metavar="FILE", help="The cost of per_head depends on the weights.  [default: random weights]"
)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The cost of per_head depends on the input.  [default: noise]",
)
@click.option("--selector-layers", type=click.IntRange(0, 2), default=1, help="Depth of the selectors of ToSA.")
@click.option("--train", is_flag=True, help="Time forward and backward passes of the losses of depth models.")
@click.option(
    "--compile",
    "compile_mode",
    type=click.Choice(["default", "reduce-overhead"]),
    help="Use torch.compile for all; reduce-overhead: CUDA graphs.",
)
@options.device
@options.json_file
@click.pass_context
def main(
    ctx,
    variants,
    task,
    model,
    inputs,
    rounds,
    dtype,
    weights,
    images,
    selector_layers,
    train,
    compile_mode,
    device,
    json_path,
) -> None:
    """Time models against timm's dense DeiT.

    All are timed in turn in the same run: backbones, or whole depth models. A variant is `deit` (ours),
    `tosa_shared:KEEP`, `tosa_per_head:KEEP` or `evit:KEEP`; KEEP is one number or, for ToSA, one for each pair of
    layers with commas between. The baseline `timm` is always included.

    The JSON file has machine, threads, torch, task, model, device, dtype, compile, train, images, selector_layers,
    rounds, and for each of `results`: variant, height and width [px], batch, macs (one image, forward), ms (median),
    ms_low, ms_high (10th, 90th percentile), speedup (median over rounds of the baseline's time by this one's),
    peak_bytes (of the forward pass, without weights).
    """
    if train and task != "depth":
        raise click.UsageError("--train: only depth models have losses; add --task depth.", ctx)
    if train and compile_mode:
        raise click.UsageError("--train: cannot be combined with --compile.", ctx)

    if task == "backbone" and any(side % 16 for height, width, _ in inputs for side in (height, width)):
        raise click.UsageError("--inputs: the sides must be multiples of the patches of 16 px.", ctx)
    options.check_output(json_path, weights)
    import torch

    from depthkit.analysis.benchmark import count_macs, image_batch, peak_memory, time_interleaved, training_step
    from depthkit.analysis.benchmark_variants import build_variant
    from depthkit.utils.device import select_device

    chosen, number_type = select_device(device), getattr(torch, dtype)
    synchronize = torch.cuda.synchronize if chosen.type == "cuda" else lambda: None
    torch.manual_seed(0)
    models = {
        name: build_variant(name, task, model, weights, selector_layers).to(chosen, number_type).eval()
        for name in ["timm", *variants]
    }
    machine = platform.processor() or platform.machine()
    results = []
    print(f"{machine}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for height, width, batch in inputs:
        samples = image_batch(images, height, width, batch) if images else torch.randn(batch, 3, height, width)
        samples = samples.to(chosen, number_type)
        if train:
            passes = {name: training_step(one, samples) for name, one in models.items()}
        else:
            run = {name: torch.compile(one, mode=compile_mode) if compile_mode else one for name, one in models.items()}
            passes = {name: lambda one=one, samples=samples: one(samples) for name, one in run.items()}
        timings = time_interleaved(passes, "timm", rounds, synchronize, gradients=train)
        print(f"\n{task}{', training step' * train}, {model}, {height}x{width}, batch {batch}, {dtype}, {chosen}")
        print(f"{'variant':<32}{'GMACs/image':>12}{'ms':>10}{'10-90 %':>18}{'speed-up':>10}{'peak MiB':>10}")
        for name, one in models.items():
            timing = timings[name]
            # Of the whole batch: with per_head, how many tokens some head attends depends on the image.
            macs = count_macs(one.eval(), samples) // batch
            peak = peak_memory(one, samples)
            spread = f"{timing.low:.1f}-{timing.high:.1f}"
            print(
                f"{name:<32}{macs / 1e9:>12.2f}{timing.median:>10.1f}{spread:>18}{timing.speedup:>10.2f}"
                f"{peak / 2**20:>10.1f}"
            )
            results.append(
                dict(variant=name, height=height, width=width, batch=batch, macs=macs, ms=timing.median)
                | dict(ms_low=timing.low, ms_high=timing.high, speedup=timing.speedup, peak_bytes=peak)
            )
    if json_path:
        report = dict(machine=machine, threads=torch.get_num_threads(), torch=torch.__version__, task=task)
        report |= dict(model=model, device=str(chosen), dtype=dtype, compile=compile_mode, train=train)
        report |= dict(images=images, selector_layers=selector_layers, rounds=rounds, results=results)
        options.write_json(json_path, report)
