"""A decision in words."""
