"""Accounts and resources of an embedded organization."""
