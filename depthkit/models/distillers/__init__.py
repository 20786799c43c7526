"""Models that learn from a frozen teacher."""
