"""Native archive rules suggested from history."""
