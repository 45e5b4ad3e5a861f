"""What looks made to hide access."""
