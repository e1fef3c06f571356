"""Usage: folded, merged with its offsets, never a person's."""
