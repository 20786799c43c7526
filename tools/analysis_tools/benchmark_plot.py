#!/usr/bin/env python
"""Plot the results files of benchmark.py and evaluate_selection.py."""

from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.utils.console import run_tool


@click.command(
    cls=Command,
    examples=("python tools/analysis_tools/benchmark_plot.py speed.json accuracy.json --out trade_off.png",),
)
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE.json...")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.png", help="The plot.")
def main(results, out) -> None:
    """Draw the results of benchmark.py and evaluate_selection.py against the keep rate.

    One panel for each input size with the speed-up over the dense model and one with top-1; with both kinds of file
    given also one with top-1 against the speed-up. Keep rates that differ by layer are drawn at their mean.
    """
    options.check_output(out, *results)
    from depthkit.analysis.trade_off import read_panels
    from depthkit.analysis.trade_off_plot import draw_trade_off
    from depthkit.utils.output_file import atomic_path

    figure = draw_trade_off(read_panels(results))
    with atomic_path(out) as temporary:
        figure.savefig(temporary, dpi=120, format="png")
    print(f"wrote {out}")


if __name__ == "__main__":
    run_tool(main)
