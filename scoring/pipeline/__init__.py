"""A decision carried out."""
