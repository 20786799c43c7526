#!/usr/bin/env python
"""Predict the depth of images: the same as `depthkit predict`."""

from depthkit.cli.predict import main
from depthkit.utils.console import run_tool

if __name__ == "__main__":
    run_tool(main)
