#!/usr/bin/env python
"""Study accuracy against time: train variants of a depth model over seeds and folds, and time them."""

import datetime
import shlex
import sys
from contextlib import nullcontext
from pathlib import Path

import click
from click.core import ParameterSource

from depthkit.cli import options
from depthkit.cli.command import Command, VariadicOption
from depthkit.utils.console import run_tool

DEFAULT_VARIANTS = Path(__file__).with_name("depth_tradeoff_variants.py")


@click.command(
    cls=Command,
    examples=(
        "python tools/analysis_tools/depth_tradeoff.py --out study --lists data/rgbd/train.txt data/rgbd/test.txt \\",
        "      --cfg-options data_root=data/rgbd 'img_size=(224,304)' max_epochs=6",
        "python tools/analysis_tools/depth_tradeoff.py --out study --variants mine.py --seeds 8 --only dense shared",
        "python tools/analysis_tools/depth_tradeoff.py --out /tmp/quick --quick",
    ),
)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder of the study.")
@click.option(
    "--variants",
    type=click.Path(path_type=Path),
    default=DEFAULT_VARIANTS,
    show_default=False,
    metavar="FILE",
    help=".py or .json that sets variants = [dict(name=, config=, options=, curve=), ...], the baseline first.",
)
@click.option("--only", cls=VariadicOption, metavar="NAME ...", help="Of the variants; the baseline always.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=5,
    help="How many; seed i is trained on fold i modulo --folds, if --lists.",
)
@click.option(
    "--lists",
    cls=VariadicOption,
    type=click.Path(path_type=Path),
    metavar="FILE ...",
    help="Split lists of the data root, whose pairs are divided anew into folds.  [default: the config's split]",
)
@click.option("--folds", type=click.IntRange(2), default=5, help="Parts that each scene of --lists is cut into.")
@click.option("--gap", type=click.IntRange(0), default=5, help="Pairs left out on each side of a test part.")
@click.option("--protocols", cls=VariadicOption, default=("full",), metavar="NAME ...", help="eigen, full, densedepth.")
@click.option(
    "--bfloat16",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    help="Train in bfloat16; auto: where the processor has instructions for it.",
)
@click.option(
    "--runs", "limit", type=click.IntRange(0), help="Try so many now at most, also such that fail; 0: report only."
)
@click.option(
    "--runtimes",
    cls=VariadicOption,
    metavar="NAME ...",
    help="What is timed: torch, compile, onnx, openvino, openvino:bfloat16, and training (one step).  "
    "[default: torch, training, and onnx and openvino where they are installed]",
)
@click.option(
    "--rounds",
    type=click.IntRange(0),
    default=0,
    help="Time now, in so many rounds, on the CPU whatever --device is; the machine must be idle. Variants that are "
    "not trained yet are timed with random weights.",
)
@click.option("--quick", is_flag=True, help="Smoke test: generated rooms, 2 iterations, nothing to conclude from.")
@options.device
@options.cfg_options
@click.pass_context
def main(
    ctx, out, variants, only, seeds, lists, folds, gap, protocols, bfloat16, limit, runtimes, rounds, quick, device,
    cfg_options,
) -> int:  # fmt: skip
    """Train, evaluate and time variants of a depth model, and report accuracy over time.

    All runs are one queue: finished ones are skipped, and one that was stopped is resumed, so the same command line
    continues a study. Each seed is paired between all variants: same data, same order. The folder gets one for each
    run, times.json, and for each protocol a table (.md), a .json and a plot (.png) over each runtime that was timed.

    One process at a time trains in a folder; --runs 0 reports meanwhile.

    Exit status: 0; 1 when a run failed, which is tried again the next time; a signal stops the whole queue.
    """
    _check_options(ctx)
    import torch

    from depthkit.analysis.benchmark import describe_machine
    from depthkit.analysis.study.content import CONFIG
    from depthkit.analysis.study.folder_lock import only_queue
    from depthkit.analysis.study.folds import AS_CONFIGURED, write_folds
    from depthkit.analysis.study.report import draw, format_table, summarise
    from depthkit.analysis.study.runs import has_bfloat16, plan_runs, run_queue
    from depthkit.analysis.study.times import check_nothing_is_lost, read_times, settings_of_times
    from depthkit.analysis.study.timing import check_runtimes, measure_times
    from depthkit.analysis.study.variants import QUICK_VARIANTS, choose_variants, read_variants
    from depthkit.errors import InputError
    from depthkit.evaluation import get_protocol
    from depthkit.utils.device import select_device
    from depthkit.utils.output_file import atomic_path
    from depthkit.utils.output_folder import make_output_folder

    runtimes = check_runtimes(runtimes)
    for name in protocols:
        get_protocol(name)
    compared = choose_variants(list(QUICK_VARIANTS) if quick else read_variants(variants), only)
    make_output_folder(out)
    divisions = write_folds(lists, folds, gap, out / "folds") if lists else [AS_CONFIGURED]
    settings = dict(cfg_options or {})
    able = bfloat16 != "off" and has_bfloat16(select_device(device))
    if bfloat16 == "on" and not able:
        raise InputError("--bfloat16 on: this device has no instructions for it; use auto or off")
    if able:
        settings["optim_wrapper.type"] = "BFloat16OptimWrapper"
    runs = plan_runs(compared, seeds, divisions, settings, protocols, out)
    first, times_file = runs[: len(compared)], out / "times.json"
    if rounds:
        check_nothing_is_lost(times_file, [variant.name for variant in compared], runtimes)
    failed = 0
    with nullcontext() if limit == 0 else only_queue(out):
        for run, found in run_queue(runs, limit, device):
            if isinstance(found, Exception):
                failed += 1
                print(f"error: {run.folder}: {found}", file=sys.stderr, flush=True)
            else:
                print(f"{run.folder}: {found['metrics']}", flush=True)
    results = [result for run in runs if (result := run.result)]
    print(f"{len(results)} of {len(runs)} runs are finished")
    if old := sum(CONFIG not in result["settings"] for result in results):
        print(f"note: {old} results do not tell the content of their config, which was not compared", file=sys.stderr)
    made = {"command": shlex.join(sys.argv), "date": datetime.date.today().isoformat()}
    made["machine"] = describe_machine({"torch": torch.__version__})
    if rounds:
        macs, times = measure_times(first, runtimes, rounds)
        content = {**made, "rounds": rounds, "settings": settings_of_times(first), "macs": macs, "times": times}
        options.write_json(times_file, content)
    timed = read_times(times_file, first)
    if timed["times"]:
        if "settings" not in timed:
            print(f"note: {times_file}: does not tell of which settings it is, which was not compared", file=sys.stderr)
        print(f"times: {timed.get('machine', 'unknown machine')}, {timed.get('date', 'unknown date')}")
    for protocol in protocols:
        rows = summarise(compared, results, timed["macs"], timed["times"], protocol)
        table = format_table(rows)
        print(f"\n{get_protocol(protocol).description}\n{table}")
        with atomic_path(out / f"{protocol}.md") as temporary:
            temporary.write_text(f"{table}\n", encoding="utf-8")
        options.write_json(out / f"{protocol}.json", {**made, "rows": rows})
        for runtime in timed["times"]:
            with atomic_path(out / f"{protocol}_{runtime.replace(':', '_')}.png") as temporary:
                draw(rows, runtime).savefig(temporary, dpi=120)
    return 1 if failed else 0


def _check_options(ctx: click.Context) -> None:
    """Refuse options that would mean nothing beside the others."""

    def is_given(name: str) -> bool:
        return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE

    for name in ("variants", "lists"):
        if ctx.params["quick"] and is_given(name):
            raise click.UsageError(f"--{name}: --quick has its own; leave one of them out.", ctx)
    for name in ("folds", "gap"):
        if is_given(name) and not ctx.params["lists"]:
            raise click.UsageError(f"--{name}: divides --lists; give these, too.", ctx)
    if is_given("runtimes") and not ctx.params["rounds"]:
        raise click.UsageError("--runtimes: names what --rounds times; give it, too.", ctx)


if __name__ == "__main__":
    run_tool(main)
