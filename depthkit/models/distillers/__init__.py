"""Models that learn from another model, without labels."""
