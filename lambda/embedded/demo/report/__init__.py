"""The demo's report.html."""
