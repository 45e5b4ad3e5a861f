"""Reading and writing files: JSON, JSON lines, gzip, TOML. Every error names file, record and field."""
