"""The model: tables of points that add up to a score, and the files and versions that hold it."""
