#!/usr/bin/env python
"""Export a depth model as one file: the same as `depthkit export`."""

from depthkit.cli.export import main
from depthkit.utils.console import run_tool

if __name__ == "__main__":
    run_tool(main)
