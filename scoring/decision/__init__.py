"""What follows from a score: guardrails, rules, the outcome."""
