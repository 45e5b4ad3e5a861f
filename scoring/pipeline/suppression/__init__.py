"""Detects what looks made to hide access: broad archive rules, many archives at once, tags just changed."""
