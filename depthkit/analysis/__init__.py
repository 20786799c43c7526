"""Research that only the command line imports: timing, token maps, other ways to choose tokens."""
