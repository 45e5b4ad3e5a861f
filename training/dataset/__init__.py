"""Records become rows and columns."""
