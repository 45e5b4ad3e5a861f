"""What the words of a finding mean: actions, principals, conditions, tags."""
