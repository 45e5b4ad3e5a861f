"""What the commands do against a live AWS: they list, score, archive, check; the Lambda needs none of it."""
