"""The runtime: all that lies between a finding and what happens to it.

A finding walks one way through the files of this folder: `finding`, `context`, `features`, `scorecard`,
`guardrails`, `decide`, `explain`, `effects`.
"""
