"""`depthkit prepare-nyu`."""

from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command, PathName


@click.command(
    "prepare-nyu",
    cls=Command,
    examples=(
        "depthkit prepare-nyu data/nyu --check",
        "depthkit prepare-nyu data/nyu --check --deep",
        "depthkit prepare-nyu data/nyu --out data/nyu_sync",
    ),
)
@click.argument("source", type=PathName())
@click.option("--check", is_flag=True, help="Say what the folder holds and what is missing.")
@click.option("--deep", is_flag=True, help="With --check: also read every pair, which takes minutes.")
@click.option("--out", type=PathName(), metavar="DIR", help="Convert to sync folders here, never in place.")
@click.option("--splits", type=PathName(), metavar="FILE", help="splits.mat, if it is not beside the .mat.")
@click.option("--depth", type=click.Choice(["raw", "filled"]), default="raw", help="Which depth maps to convert.")
@options.json_file
@click.pass_context
def main(ctx, source, check, deep, out, splits, depth, json_path) -> int:
    """Check or convert a folder of NYU Depth V2.

    Says what the folder holds and what is missing, or converts the labelled .mat to sync folders.
    SOURCE is the data set's folder, or the labelled .mat to convert.

    Exit status of --check: 0 when the folder is complete, 1 when something is missing or damaged, 2 for wrong input.
    """
    if check == (out is not None):
        raise click.UsageError("Give either --check or --out DIR.", ctx)
    if deep and not check:
        raise click.UsageError("--deep: belongs to --check; a conversion reads everything anyway.", ctx)
    options.check_output(json_path, source, splits)
    return _check(source, deep, json_path) if check else _convert(source, splits, out, depth, json_path)


def _check(data_root: Path, deep: bool, json_path: Path | None) -> int:
    from depthkit.datasets.nyu.inventory import take_inventory

    states = take_inventory(data_root, deep)
    for state in states:
        print("\n".join(state.lines()))
    missing = sum(len(state.missing) for state in states)
    damaged = sum(len(state.damaged) for state in states)
    counts = [f"{count} {what}" for count, what in ((missing, "missing"), (damaged, "damaged")) if count]
    print(f"{data_root}: {', '.join(counts) or 'complete'}")
    if json_path:
        options.write_json(json_path, [state._asdict() for state in states])
    return 1 if counts else 0


def _convert(source: Path, splits: Path | None, out: Path, depth: str, json_path: Path | None) -> int:
    from depthkit.datasets.nyu.conversion import convert_mat
    from depthkit.datasets.nyu.mat import MAT_NAME, SPLITS_NAME

    mat_path = source / MAT_NAME if source.is_dir() else source
    done = convert_mat(mat_path, splits or mat_path.parent / SPLITS_NAME, out, depth)
    print(f"{out}: {done.written} pairs written, {done.kept} were there; train.txt and test.txt are complete")
    if done.saturated:
        print(f"warning: {done.saturated} depth pixels lie beyond 65.535 m and were written as that")
    if json_path:
        options.write_json(json_path, done._asdict())
    return 0
