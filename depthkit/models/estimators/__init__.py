"""Whole models: backbone, heads, and mmengine's three modes around them."""
