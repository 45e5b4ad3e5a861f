"""The runtime: everything between a finding and what happens to it.

A finding walks one way through these folders, and each imports only those before it: `files`, `findings`,
`policy` and `aws`, `features`, `scorecard`, `decision`, `explanation`, `decision_log`, `pipeline`, `review`,
`cli`.
"""
