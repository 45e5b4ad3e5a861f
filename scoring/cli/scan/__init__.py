"""The command `triage scan`."""
