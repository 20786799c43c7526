"""Check a folder of NYU Depth V2, or convert the labelled .mat to sync folders.

python tools/prepare_nyu.py --check data/nyu
python tools/prepare_nyu.py data/nyu --out data/nyu_sync

The exit status of --check is 0 when the folder is whole, 1 when something is missing, 2 for wrong input.
"""

import argparse
from pathlib import Path

from depthkit.utils.console import run_tool


def main(argv: list[str]) -> int:
    """Check or convert, as the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the data set's folder, or the labelled .mat to convert")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="say what the folder holds and what is missing")
    action.add_argument("--out", type=Path, metavar="DIR", help="convert to sync folders here, never in place")
    parser.add_argument("--splits", type=Path, metavar="FILE", help="splits.mat, if it is not beside the .mat")
    parser.add_argument("--depth", choices=("raw", "filled"), default="raw", help="which depth maps to convert")
    arguments = parser.parse_args(argv)
    if arguments.check:
        return check(arguments.source)
    convert(arguments.source, arguments.splits, arguments.out, arguments.depth)
    return 0


def check(data_root: Path) -> int:
    """Print what `data_root` holds; return 0 when it is whole and 1 when something is missing."""
    from depthkit.datasets.nyu.inventory import take_inventory

    states = take_inventory(data_root)
    for state in states:
        print("\n".join(state.lines()))
    missing = sum(len(state.missing) for state in states)
    print(f"{data_root}: {f'{missing} missing' if missing else 'whole'}")
    return 1 if missing else 0


def convert(source: Path, splits: Path | None, out: Path, depth: str) -> None:
    """Convert the labelled `.mat` in (or at) `source` and print what was written."""
    from depthkit.datasets.nyu.conversion import convert_mat
    from depthkit.datasets.nyu.mat import MAT_NAME, SPLITS_NAME

    mat_path = source / MAT_NAME if source.is_dir() else source
    done = convert_mat(mat_path, splits or mat_path.parent / SPLITS_NAME, out, depth)
    print(f"{out}: {done.written} pairs written, {done.kept} were there; train.txt and test.txt are complete")
    if done.saturated:
        print(f"warning: {done.saturated} depth pixels lie beyond 65.535 m and were written as that")


if __name__ == "__main__":
    run_tool(main)
