# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first look
#
# Load findings, see what they are, score them with the built-in card, and take one explanation apart.
#
# Everything runs on a simulated history. For your own put a path here: the output of
# `aws accessanalyzer list-findings`, events, or records from `triage history pull`.

# %%
HISTORY = None  # e.g. "history.jsonl.gz"

# %%
import pandas as pd

from scoring.decision.settings import load_settings
from scoring.explanation.explain import explain
from training.dataset.dataset import read_dataset
from training.dataset.files import read_cases
from training.evaluation.dataframes import (
    decide_history,
    findings_table,
    first_alert,
    history_or_simulated,
)
from training.notebook.widgets import show, show_explanation
from training.report import plots

pd.options.display.max_colwidth = 120

path = history_or_simulated(HISTORY)

# %% [markdown]
# ## What they are
#
# One row a finding, with its features. The features are all that a scorecard sees; the runtime computes
# the same ones.

# %%
dataset = read_dataset([path], report=print)
findings = findings_table(dataset)
findings.tail()

# %%
dict(dataset.counts)

# %%
findings.groupby(["finding_type", "verdict"]).size().unstack(fill_value=0)

# %%
findings.groupby(["access_level", "trust"]).size().unstack(fill_value=0)

# %% [markdown]
# ## What the built-in card makes of them
#
# It has seen no decision. Findings below the threshold would be archived, unless a guardrail stands in
# the way.

# %%
settings = load_settings()
decisions, contributions = decide_history([path], settings)
decisions.groupby(["outcome", "verdict"]).size().unstack(fill_value=0)

# %%
show(plots.histogram(decisions, settings.card.threshold))

# %%
decisions["guardrails"].str.split(", ").explode().value_counts().drop("", errors="ignore")

# %% [markdown]
# ## One explanation, taken apart
#
# Points are whole tenths, so the column adds up exactly: base and contributions are the score. What is known
# is summed apart from what is not, which counts at its worst.

# %%
alert = first_alert(decisions)
if alert is None:
    raise SystemExit("Nothing raised an alert: there is nothing to take apart.")
parts = contributions[contributions["finding_id"] == alert["finding_id"]]
parts[["feature", "value", "points", "text"]].sort_values("points", key=abs, ascending=False)

# %%
base = settings.card.base / 10
f"{base} + {parts['points'].sum():.1f} = {base + parts['points'].sum():.1f}; the score is {alert['score']}"

# %% [markdown]
# The same as the analyst reads it:

# %%
case = next(case for case in read_cases([path]) if case.finding.id == alert["finding_id"])
show_explanation(explain(case, settings.decide(case), settings.policy, card=settings.card))
