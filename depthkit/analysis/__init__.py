"""Research that only the tools import: timing, token maps, other ways to choose tokens."""
