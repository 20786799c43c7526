"""Heads: from a backbone's maps or tokens to depth or classes."""
