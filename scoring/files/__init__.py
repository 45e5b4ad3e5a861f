"""Bytes in and out: JSON, TOML and files, each fault with its place."""
