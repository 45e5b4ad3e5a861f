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
# # Tune the threshold
#
# Where should archiving end and alerting begin? Drag the threshold, or the share of unintended findings that
# may be archived (alpha), and see what it changes. By score alone: guardrails can only raise more alerts.

# %%
HISTORY = None  # e.g. "history.jsonl.gz"
MODEL = None  # a registry, a version's folder or a scorecard; None trains one on the spot

# %%
from scoring.scorecard import formats
from training.dataset.dataset import read_dataset
from training.evaluation.backtest import later_than
from training.evaluation.dataframes import history_or_simulated
from training.notebook.explorer import explore, readings_table
from training.notebook.overrides import override, save_to_parameter, save_to_policy
from training.notebook.threshold_plot import ThresholdPicture
from training.notebook.widgets import ThresholdWidget, show
from training.registry.models import learned_until
from training.train import Request, train

dataset = read_dataset([history_or_simulated(HISTORY)], report=print)

# %% [markdown]
# Only findings that the model was not fitted on say anything about it.

# %%
if MODEL:
    card = formats.load(MODEL)
    rows = later_than(dataset, learned_until(MODEL).learned)
else:
    trained = train(dataset, formats.load(), Request())
    card, rows = trained.card, trained.split.unseen
explorer = explore(dataset, rows, card)
f"{len(rows):,} findings, {int(explorer.unintended.sum())} of them labelled unintended"

# %% [markdown]
# ## Drag it
#
# (Sliders need a running notebook; the picture below them is there to read on the web.)

# %%
widget = ThresholdWidget(explorer, alpha=0.05)
widget.box

# %%
picture = ThresholdPicture(explorer, alpha=0.05)
picture.move(widget.chosen, explorer.at(widget.chosen), alpha=0.05)
show(picture.figure)

# %% [markdown]
# ## For a guarantee, a cost, or a budget
#
# The same curve, three readings.

# %%
guaranteed = explorer.for_guarantee(alpha=0.05)
readings = {
    "guarantee: at most 5 % of the unintended": explorer.at(guaranteed.value),
    "cost: a miss is 200, an alert 5": explorer.for_cost(miss=200, alert=5),
    "budget: 12 alerts a day": explorer.for_budget(alerts_per_day=12),
    "the model's own": explorer.at(card.threshold),
}
readings_table(readings)

# %% [markdown]
# ## Findings that change sides
#
# Against the model's own threshold, the worst first.

# %%
explorer.changes(widget.chosen + 50).head(10)

# %% [markdown]
# ## Save the choice
#
# As an override. It names the digest of the model it was chosen for: with any other nothing is archived.

# %%
override(widget.chosen, card)

# %%
POLICY = None  # e.g. "policy.toml"
PARAMETERS = None  # e.g. "/access-triage", of a deployment in the account of your credentials

if POLICY:
    save_to_policy(POLICY, widget.chosen, card)
if PARAMETERS:
    import boto3

    save_to_parameter(boto3.client("ssm"), PARAMETERS, widget.chosen, card)
