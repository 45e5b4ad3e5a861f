"""What AWS says of a finding, and what was found out around it."""
