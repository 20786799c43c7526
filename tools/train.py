#!/usr/bin/env python
"""Train a model by a config: the same as `depthkit train`."""

from depthkit.cli.train import main
from depthkit.utils.console import run_tool

if __name__ == "__main__":
    run_tool(main)
