"""Losses on depth and on class probabilities."""
