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
# # Review explanations
#
# What drives the alerts, where analysts disagreed with the model, and what other points would change.

# %%
HISTORY = None  # e.g. "history.jsonl.gz"
MODEL = None  # a registry, a version's folder or a scorecard; None: the built-in card
POLICY = None  # e.g. "policy.toml"

# %%
import msgspec
import pandas as pd
from IPython.display import display

from scoring.decision.settings import load_settings
from scoring.explanation.explain import explain
from training.dataset.files import read_cases
from training.evaluation.dataframes import decide_history, first_alert, history_or_simulated
from training.notebook.what_if import changed_decisions, with_points
from training.notebook.widgets import show, show_explanation
from training.report import plots

pd.options.display.max_colwidth = 120

path = history_or_simulated(HISTORY)
settings = load_settings(MODEL, POLICY)
decisions, contributions = decide_history([path], settings)
decisions["outcome"].value_counts()

# %% [markdown]
# ## What drives alerts

# %%
of_alerts = contributions[contributions["outcome"] == "alert"]
drivers = of_alerts.groupby("feature")["points"].sum() / (decisions["outcome"] == "alert").sum()
drivers = drivers.sort_values(key=abs, ascending=False).head(12)
drivers = drivers.rename_axis("name").reset_index()
show(plots.bars(drivers, "points in an alert, on average"))

# %%
of_alerts.groupby("text")["points"].agg(["count", "mean"]).sort_values("count", ascending=False).head(12)

# %% [markdown]
# ## Where analysts disagreed
#
# Alerts that an analyst called expected, the highest by what is known first, and what they have in common:

# %%
noise = decisions[(decisions["outcome"] == "alert") & (decisions["verdict"] == "expected")]
noise.sort_values("known", ascending=False)[["known", "score", "resource", "guardrails", "reason"]].head(8)

# %%
said = of_alerts.groupby(["text", "verdict"]).size().unstack(fill_value=0)
said = said.reindex(columns=["expected", "unintended", "none"], fill_value=0)
said["expected share"] = said["expected"] / (said["expected"] + said["unintended"])
said[said["expected"] > 50].sort_values("expected share", ascending=False).head(10)

# %% [markdown]
# Archives that an analyst called unintended: the misses.

# %%
missed = decisions[(decisions["outcome"] == "archive") & (decisions["verdict"] == "unintended")]
missed.sort_values("score")[["score", "resource", "reason"]].head(8)

# %% [markdown]
# ## One of them, as the analyst reads it

# %%
found = first_alert(decisions, "expected")
found = first_alert(decisions) if found is None else found
if found is not None:
    case = next(case for case in read_cases([path]) if case.finding.id == found["finding_id"])
    display(show_explanation(explain(case, settings.decide(case), settings.policy, card=settings.card)))

# %% [markdown]
# ## Other points
#
# Change a table and see at once which decisions it changes. This card is not saved anywhere: put the points
# into your `scorecard.toml` if you like what you see.

# %%
edited = with_points(settings.card, ("trust",), {("stranger",): 36, ("AWS service",): 4})
after, _ = decide_history([path], msgspec.structs.replace(settings, card=edited))
changes = changed_decisions(decisions, after)
changes.groupby(["before", "after", "verdict"]).size().rename("findings").reset_index()

# %%
changes[changes["verdict"] == "unintended"].head(8)
