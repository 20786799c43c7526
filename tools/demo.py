#!/usr/bin/env python
"""Train, evaluate and use a small model: the same as `depthkit demo`."""

from depthkit.cli.demo import main
from depthkit.utils.console import run_tool

if __name__ == "__main__":
    run_tool(main)
