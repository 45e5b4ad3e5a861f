"""What an organization lays down by hand."""
