#!/usr/bin/env python
"""Time backbones and depth models: the same as `depthkit benchmark`."""

from depthkit.cli.benchmark import main
from depthkit.utils.console import run_tool

if __name__ == "__main__":
    run_tool(main)
