"""Past decisions become records."""
