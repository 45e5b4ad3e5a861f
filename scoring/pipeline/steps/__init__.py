"""The four steps of a finding: enrich, evaluate, archive, notify.

Each takes what the one before it has made, and returns what it found out, decided or did; see
`scoring.pipeline.steps.state`.
One process calls them one after the other (`scoring.pipeline.event`), or each has a process of its own, with
the state written down in between (the workflow of the handlers).
"""
