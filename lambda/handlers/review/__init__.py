"""The review page's requests and settings."""
