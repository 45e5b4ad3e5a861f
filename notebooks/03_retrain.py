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
# # Retrain
#
# From history to a candidate, compared with the current model, and promoted if nothing speaks against it.

# %%
HISTORY = None  # e.g. "history.jsonl.gz"
REGISTRY = None  # a folder or s3://bucket/prefix; None uses a temporary folder

# %%
from tempfile import mkdtemp

import pandas as pd

from scoring.scorecard import formats
from training.dataset.dataset import read_dataset
from training.evaluation.dataframes import findings_table, history_or_simulated, scores_table
from training.evaluation.drift import importance
from training.evaluation.metrics import measure, measured
from training.notebook.widgets import show
from training.registry.promotion import objections
from training.registry.registry import Registry
from training.registry.stores import open_store
from training.registry.version import version_files
from training.report import plots
from training.report.sentences import sentences
from training.threshold.threshold import curve
from training.train import Request, train

dataset = read_dataset([history_or_simulated(HISTORY)], report=print)
dict(dataset.counts)

# %% [markdown]
# ## A candidate
#
# Three parts by time: fitted on, calibrated on, tested on. The built-in card is where learning starts.

# %%
registry = Registry(open_store(REGISTRY or mkdtemp()))
current = registry.current()
prior = formats.load()
trained = train(dataset, prior, Request(alpha=0.05, delta=0.05))
metrics = measure(trained)
for sentence in sentences(metrics):
    print(sentence)

# %%
pd.DataFrame(metrics["data"]["parts"]).T

# %% [markdown]
# ## What it archives, what it misses

# %%
rows = trained.split.calibration[dataset.for_threshold[trained.split.calibration]]
drawn = curve(
    trained.out_of_fold_scores[rows],
    dataset.unintended[rows],
    delta=0.05,
    population=trained.out_of_fold_scores[trained.split.calibration],
)
show(plots.trade_off(drawn.assign(part="calibration"), trained.card.threshold, alpha=0.05))

# %%
part, rows = measured(trained)
show(plots.histogram(scores_table(dataset, trained.out_of_fold_scores, rows), trained.card.threshold))

# %% [markdown]
# ## Read the tables
#
# How far each table moves scores, on average, and what one of them says: points, how often the value was
# seen, and how it was decided.

# %%
weights = importance(trained.card.tables, dataset.X.iloc[rows])
sizes = [(" × ".join(one.table.key), one.points) for one in weights[:12]]
show(plots.bars(pd.DataFrame(sizes, columns=["name", "points"]), "points"))

# %%
table = weights[0].table
entries = [
    (" × ".join(values), points / 10, *table.evidence.get(values, (0, 0, 0)))
    for values, points in table.points.items()
]
pd.DataFrame(entries, columns=["value", "points", "seen", "expected", "unintended"]).sort_values(
    "points", key=abs, ascending=False
).head(10)

# %% [markdown]
# ## The misses
#
# Unintended findings of the test part that it would archive, one by one.

# %%
threshold = trained.card.threshold
missed = rows[dataset.unintended[rows] & (trained.out_of_fold_scores[rows] < (threshold or -(10**9)))]
findings_table(dataset).iloc[missed][
    ["resource", "trust", "access_level", "principal", "environment", "owner"]
]

# %% [markdown]
# ## Promote
#
# The version goes into the registry. A candidate that ranks worse than the current one or breaks its
# guarantee is refused; `triage models rollback` goes back.

# %%
version = trained.card.version
registry.add(version, version_files(trained, metrics))
against = objections(registry, version)
if not against:
    registry.promote(version)
against or f"{version} is current; before it: {current}"
