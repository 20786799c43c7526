"""Modules of transformer layers and of token selection; imports no other folder of depthkit.models."""
