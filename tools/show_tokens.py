#!/usr/bin/env python
"""Show which patches a model attends to: the same as `depthkit tokens`."""

from depthkit.cli.tokens import main
from depthkit.utils.console import run_tool

if __name__ == "__main__":
    run_tool(main)
