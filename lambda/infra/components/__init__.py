"""One construct a component."""
