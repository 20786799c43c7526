"""`depthkit benchmark`."""

import math

import click

from depthkit.cli import options
from depthkit.cli.command import Command, PathName, VariadicOption
from depthkit.utils.paths import expand_home

_MAX_PIXELS = 2**25  # of all images of a batch
_VARIANTS = ("deit", *(f"{kind}:{k}" for kind in ("tosa_shared", "tosa_per_head", "evit") for k in (0.7, 0.5, 0.25)))


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
        if math.prod(numbers) > _MAX_PIXELS:
            message = (
                f"'{value}': has {math.prod(numbers):.3g} pixels, {_MAX_PIXELS:.3g} are the most; give smaller sides"
            )
            raise click.BadParameter(message, ctx, param)
        parsed.append(numbers)
    return parsed


@click.command(
    "benchmark",
    cls=Command,
    aliases=options.OLD_WEIGHTS | {"--pictures": "--images"},
    examples=(
        "depthkit benchmark --json speed.json",
        "depthkit benchmark --model tiny --weights deit_tiny.safetensors --images images/ --variants tosa_per_head:0.5",
        "depthkit benchmark --task depth --inputs 476x630:1 --variants transformers:depth-anything-v2-small "
        "depth-anything-v2-small depth-anything-v2-small:0.5",
        "depthkit benchmark --task depth --inputs 480x640:1 --variants depth-anything-v2-small deit tosa_shared:0.5 "
        "--runtimes torch onnx openvino openvino:bfloat16",
    ),
)
@click.option(
    "--variants",
    cls=VariadicOption,
    default=_VARIANTS,
    show_default="deit and 0.7, 0.5, 0.25 of each kind",
    metavar="NAME[:...] ...",
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
    type=PathName(),
    metavar="DIR",
    help="The cost of per_head depends on the input.  [default: noise]",
)
@click.option(
    "--selector-layers",
    type=click.IntRange(0, 2),
    default=1,
    help="Depth of the selectors of ToSA, but for tosa_even, which has none.",
)
@click.option("--train", is_flag=True, help="Time forward and backward passes of the losses of depth models.")
@click.option(
    "--compile",
    type=click.Choice(["default", "reduce-overhead"]),
    help="Use torch.compile for all; reduce-overhead: CUDA graphs.",
)
@click.option(
    "--runtimes",
    cls=VariadicOption,
    metavar="NAME[:PRECISION] ...",
    help="With --task depth: time each variant in each of these, on the CPU: torch, compile, onnx, openvino, "
    "openvino:bfloat16, ...; see below.",
)
@options.device
@options.json_file
@click.pass_context
def main(ctx, json_path, runtimes, **settings) -> None:
    """Time models against each other.

    Against timm's dense DeiT, or published models against the same in transformers.

    All are timed in turn in the same run: backbones, or whole depth models. A variant is `deit`
    (ours), `tosa_shared:KEEP`, `tosa_per_head:KEEP`, `tosa_even:KEEP`, `evit:KEEP` or `tome:KEEP`; KEEP is one number
    or, for ToSA, one for each token selective layer with commas between. These are every second layer, or those after
    an @, counted from 0: `tosa_shared:0.25@5,9,10`, `tosa_even:0.5@1-10`. The baseline `timm` is always included.

    With --task depth the variants may instead be published models: `NAME` of those that `depthkit models` lists,
    `NAME:KEEP`, `NAME:per_head:KEEP` or `NAME:even:KEEP` (token selective), and `transformers:NAME`, the same network
    as the package transformers builds it, if it is installed, always with random weights. The packaged model has its
    own weights; the layers of published models cannot be chosen here.
    The first variant is then the baseline, and --model and --selector-layers have no meaning.

    With --runtimes the tables have the times of each variant in each runtime, their ratios in the same round, and the
    mean error against torch in float32. Published models may then stand beside others, and each variant takes the
    largest size within the input that its patches divide.

    The JSON file has machine, threads, torch, task, model, device, dtype, compile, train, images, selector_layers,
    rounds, and for each of `results`: variant, height and width [px], batch, macs (one image, forward), ms (median),
    ms_low, ms_high (10th, 90th percentile), speedup (median over rounds of the baseline's time by this one's),
    peak_bytes (of the forward pass, without weights). With --runtimes: runtime, error (mean) and rounds_ms instead of
    the last five.
    """
    from depthkit.zoo.packaged import PACKAGED_MODEL
    from depthkit.zoo.table import MODELS

    if settings["train"] and settings["task"] != "depth":
        raise click.UsageError("--train: only depth models have losses; add --task depth.", ctx)
    if settings["train"] and settings["compile"]:
        raise click.UsageError("--train: cannot be combined with --compile.", ctx)
    if settings["weights"] == "":  # as of a variable of the shell that is not set
        raise click.UsageError("--weights: is empty; name a file, or leave it out for random weights.", ctx)
    sides = [side for *size, _ in settings["inputs"] for side in size]
    names = {name for variant in settings["variants"] for name in variant.split(":")}
    published = names & {PACKAGED_MODEL, *MODELS}  # which have multiples of their own
    if any(side % 16 for side in sides) and not published and not runtimes:
        raise click.UsageError("--inputs: the sides must be multiples of the patches of 16 px.", ctx)
    options.check_output(json_path, settings["weights"])
    for name in ("weights", "images"):
        if settings[name] is not None and not expand_home(settings[name]).exists():
            raise click.UsageError(f"--{name}: there is no '{settings[name]}'.", ctx)
    if runtimes:
        report = _time_runtimes(runtimes, settings, ctx)
    else:
        from depthkit.analysis.benchmark import run_benchmark

        report = run_benchmark(**settings)
    if json_path:
        options.write_json(json_path, report)


def _time_runtimes(runtimes: tuple[str, ...], settings: dict[str, object], ctx: click.Context) -> dict[str, object]:
    """Check what goes with --runtimes, and time them."""
    if settings.pop("task") != "depth":
        raise click.UsageError("--runtimes: run whole depth models; add --task depth.", ctx)
    for name, plain in (("train", False), ("compile", None), ("dtype", "float32")):
        if settings.pop(name) != plain:
            raise click.UsageError(f"--{name}: does not go with --runtimes, which names what is timed.", ctx)
    if settings.pop("device") not in ("auto", "cpu"):
        raise click.UsageError("--device: runtimes are timed on the CPU; leave it out.", ctx)
    from depthkit.analysis.runtime_benchmark import parse_column, run_runtime_benchmark

    for text in runtimes:
        parse_column(text, settings["images"] is not None)
    variants = settings.pop("variants")
    if len(set(variants)) < len(variants) or len(set(runtimes)) < len(runtimes):
        raise click.UsageError("--variants and --runtimes: name each only once.", ctx)
    return run_runtime_benchmark(variants, settings.pop("inputs"), runtimes, **settings)
