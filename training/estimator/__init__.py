"""The additive scorecard, fitted."""
