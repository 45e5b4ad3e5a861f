"""What every function needs: settings, logs, metrics."""
