"""The formats of the commands' output."""
