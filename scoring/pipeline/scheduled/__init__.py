"""What runs by the clock: reconcile, scan of active findings, summary."""
