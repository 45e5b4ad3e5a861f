"""The infrastructure: one construct a component, and the packaging of the functions' code."""
