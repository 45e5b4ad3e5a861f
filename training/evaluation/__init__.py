"""How good a model is: metrics, replays, drift."""
