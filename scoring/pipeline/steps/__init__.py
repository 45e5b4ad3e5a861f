"""The four steps of a finding: enrich, evaluate, archive, notify.

Each takes a `CaseState`, adds to it what it found out, decided or did, and names the step that comes next.
One process calls them one after the other (`scoring.pipeline.event`), or each has a process of its own, with
the state written down in between (the workflow of the handlers).
"""
