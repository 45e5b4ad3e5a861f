"""How well it ranks, by the number of labels: our model, the card, CatBoost, and the true probabilities.

Two sources. The simulator's organization, where a card and a backlog exist; and wide categories
(`benchmarks.synthetic.wide`): synthetic too, a stand-in for real data with thousands of values a column,
with pair effects and counts, since no such data set comes with a package. Median over seeds of ROC AUC on
findings that nothing was fitted on, against what they truly are, label noise left out.

The organization is simulated twice: once with verdicts that are never wrong and facts that are never refused,
and once as the simulator does by itself, where one verdict in fifty is wrong (with one finding in ten
unintended that makes one "unintended" in six a mistake) and one finding in fifty lacks a fact.

The gap is what the true probabilities rank better, in each organization; of these the median.

The runtime never takes what is unknown for safe, and scores it as the worst; CatBoost may take it for what it
mostly was. The last four columns leave out findings of which something is not known: Access Analyzer could
not look, or a fact was refused. No score decides on those, a person does.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from benchmarks.history import Simulated, simulated
from benchmarks.synthetic import Sample, wide
from scoring.features.features import UNKNOWN
from scoring.scorecard import formats
from training.arrays import Bools, Floats, Ints
from training.estimator.estimator import AdditiveScorecardClassifier
from training.threshold.scores import card_scores
from training.train import unfitted

SEEDS = (301, 302, 303, 304, 305)
WORLDS: dict[str, dict[str, float]] = {
    "verdicts are right, facts known": {"noise": 0.0, "unknown": 0.0},
    "1 verdict in 50 is wrong, 1 finding in 50 lacks a fact": {},
}
LABELS = (30, 100, 300, 1_000, 3_000, 10_000)
BACKLOG, TESTED = 5_000, 10_000
WIDE_ROWS = 30_000
JOBS = 2
CARD = formats.load()
COLUMNS = (
    *("true", "card", "ours", "ours, backlog", "ours, no card", "CatBoost"),
    *("true, known", "ours, known", "gap, known", "CatBoost, known"),
)


def main() -> None:
    """Print the tables."""
    for name, world in WORLDS.items():
        found: dict[tuple[int, str], list[float]] = {}
        for seed in SEEDS:
            for labels, column, auc in measure(simulated(BACKLOG, max(LABELS), TESTED, seed=seed, **world)):
                found.setdefault((labels, column), []).append(auc)
        title = f"ROC AUC on {TESTED:,} later findings, median of {len(SEEDS)} organizations; {name}"
        table = Table("labels", *COLUMNS, title=title, title_justify="left")
        for labels in LABELS:
            cells = [found.get((labels, column)) for column in COLUMNS]
            table.add_row(f"{labels:,}", *("" if cell is None else f"{median(cell):.3f}" for cell in cells))
        Console(width=120).print(table)
    ours, theirs = measure_wide(wide(WIDE_ROWS, seed=SEEDS[0]))
    print(f"\nWide categories, {2 * WIDE_ROWS // 3:,} labels: ours {ours:.3f}, CatBoost {theirs:.3f}")


def measure_wide(sample: Sample) -> tuple[float, float]:
    """Return ROC AUC of our model without a card, and of CatBoost, on the last third of the rows."""
    X, y = sample.X.astype(str).astype("category"), sample.y.astype(int)
    first, last = np.arange(len(y))[: 2 * len(y) // 3], np.arange(len(y))[2 * len(y) // 3 :]
    model = AdditiveScorecardClassifier(precedent="all", n_jobs=JOBS).fit(X.iloc[first], y[first])
    risk = catboost(X.iloc[first], y[first], X.iloc[last])
    ours = float(roc_auc_score(y[last], model.score_tenths(X.iloc[last])))
    return ours, float(roc_auc_score(y[last], risk))


def measure(world: Simulated) -> Iterator[tuple[int, str, float]]:
    """Yield number of labels, column and ROC AUC."""
    X, truth = world.X.iloc[world.test], world.unintended[world.test]
    # Events never say where a bucket's finding came from; that is no reason to ask a person.
    known = ~(X.drop(columns="source").astype(str) == UNKNOWN).any(axis=1).to_numpy()

    def auc(scores: Floats | Ints, rows: Bools | slice = slice(None)) -> float:
        return float(roc_auc_score(truth[rows], scores[rows]))

    for labels in LABELS:
        yield labels, "true", auc(world.probability[world.test])
        yield labels, "true, known", auc(world.probability[world.test], known)
        yield labels, "card", auc(card_scores(CARD, X)[0])
        rows = world.labelled[:labels]
        for column, prior, backlog in (
            ("ours", CARD, None),
            ("ours, backlog", CARD, world.X.iloc[world.backlog]),
            ("ours, no card", None, None),
        ):
            model = unfitted(prior, jobs=JOBS)
            model.fit(world.X.iloc[rows], world.label[rows], backlog=backlog)
            scores = model.score_tenths(X)
            yield labels, column, auc(scores)
            if column == "ours, backlog":
                yield labels, "ours, known", auc(scores, known)
                yield labels, "gap, known", auc(world.probability[world.test], known) - auc(scores, known)
        if len(np.unique(world.label[rows])) == 2:
            risk = catboost(world.X.iloc[rows], world.label[rows], X)
            yield labels, "CatBoost", auc(risk)
            yield labels, "CatBoost, known", auc(risk, known)


def catboost(X: pd.DataFrame, y: Ints, later: pd.DataFrame) -> Floats:
    """Fit CatBoost on the same columns, with its own defaults, and return its probabilities."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        verbose=False,
        cat_features=list(X.columns),
        thread_count=JOBS,
        random_seed=0,
        allow_writing_files=False,
    )
    model.fit(X.astype(str), y)
    return np.asarray(model.predict_proba(later.astype(str))[:, 1])


if __name__ == "__main__":
    main()
