"""The report of a training."""
