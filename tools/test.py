#!/usr/bin/env python
"""Evaluate weights on the test set of their config: the same as `depthkit test`."""

from depthkit.cli.test import main
from depthkit.utils.console import run_tool

if __name__ == "__main__":
    run_tool(main)
