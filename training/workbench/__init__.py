"""The local page, `triage ui`: a queue to decide in, a threshold to move, one picture of what is open."""
