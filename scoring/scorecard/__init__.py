"""The model: tables of points that add up."""
