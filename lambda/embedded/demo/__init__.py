"""The demo: simulated findings of a simulated organization, handled by the real handler."""
