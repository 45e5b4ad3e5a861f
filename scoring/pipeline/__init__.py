"""A decision carried out: the steps of an event, alerts, scheduled runs, undo."""
