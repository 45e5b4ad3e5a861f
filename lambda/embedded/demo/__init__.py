"""The demo: an organization, its findings, the real handler."""
