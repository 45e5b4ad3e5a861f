"""Finding, context and policy become feature values."""
