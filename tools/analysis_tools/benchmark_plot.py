"""Draw what the results files of benchmark.py and evaluate_selection.py say, against the keep rate.

A panel for each input size with the speed-up over the dense model, one with top-1, and with both kinds of file
given one with top-1 against the speed-up. Keep rates that differ by layer stand at their mean.

python tools/analysis_tools/benchmark_plot.py speed.json accuracy.json --out trade_off.png
"""

import argparse
from pathlib import Path

from depthkit.utils.console import run_tool


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="benchmark_plot.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="+", type=Path, metavar="FILE.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    arguments = parser.parse_args(argv)

    from depthkit.analysis.trade_off import read_panels
    from depthkit.analysis.trade_off_plot import draw_trade_off
    from depthkit.utils.io import atomic_path

    figure = draw_trade_off(read_panels(arguments.results))
    with atomic_path(arguments.out) as temporary:
        figure.savefig(temporary, dpi=120, format="png")
    print(f"wrote {arguments.out}")
    return 0


if __name__ == "__main__":
    run_tool(main)
