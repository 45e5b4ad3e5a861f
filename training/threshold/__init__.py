"""The threshold and its guarantee."""
