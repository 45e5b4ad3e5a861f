"""The policy, which an organization writes by hand (`policy.toml`): trust, rules, routes, limits."""
