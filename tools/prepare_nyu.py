#!/usr/bin/env python
"""Check or convert a folder of NYU Depth V2: the same as `depthkit prepare-nyu`."""

from depthkit.cli.prepare_nyu import main
from depthkit.utils.console import run_tool

if __name__ == "__main__":
    run_tool(main)
