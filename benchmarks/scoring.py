"""How long one finding takes: a trained card with its exact contributions, and what others need for the same.

Each finding is a new one to the card: what it remembers of earlier ones does not count, its tables are warm.
Times are of the processor, medians over findings.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from catboost import CatBoostClassifier, Pool
from lightgbm import LGBMClassifier
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from benchmarks.history import simulated
from scoring.scorecard import formats
from scoring.scorecard.formats import from_json, to_json
from scoring.scorecard.scorecard import Scorecard
from training.train import unfitted

TABLES = 24
SCORED, BY_OTHERS, ROUNDS = 3_000, 100, 7
LIMIT = 30.0


def main() -> None:
    """Print the table."""
    world = simulated(1_000, 3_000, 2 * SCORED, seed=5)
    X, y = world.X.iloc[world.labelled], world.label[world.labelled]
    prior = formats.load()
    small = unfitted(None, jobs=2).set_params(max_tables=TABLES)
    card = _card(small.fit(X, y, backlog=world.X.iloc[world.backlog]), prior)
    rows = world.X.iloc[world.test].astype(str).to_dict("records")
    found = [(f"our card, {len(card.tables)} keys, exact contributions", _ours(card, rows))]

    codes = world.X.apply(lambda column: column.cat.codes)
    codes.columns = [f"column{place}" for place in range(codes.shape[1])]  # LightGBM takes no colon in a name
    boosted = LGBMClassifier(verbose=-1, n_jobs=1).fit(codes.iloc[world.labelled], y)
    tests = [codes.iloc[[row]] for row in world.test[:BY_OTHERS]]
    found.append(
        ("LightGBM, contributions", _each(lambda one: boosted.predict(one, pred_contrib=True), tests))
    )
    texts = world.X.astype(str)
    tests = [texts.iloc[[row]] for row in world.test[:BY_OTHERS]]
    pipeline = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=500))
    pipeline.fit(texts.iloc[world.labelled], y)
    found.append(
        (
            "scikit-learn pipeline (one-hot, logistic regression), score alone",
            _each(pipeline.predict_proba, tests),
        )
    )
    names = list(texts.columns)
    cat = CatBoostClassifier(
        iterations=300, verbose=False, thread_count=2, cat_features=names, allow_writing_files=False
    )
    cat.fit(texts.iloc[world.labelled], y)

    def shap(one: Any) -> object:
        return cat.get_feature_importance(Pool(one, cat_features=names), type="ShapValues", thread_count=1)

    found.append(("CatBoost, 300 rounds, ShapValues", _each(shap, tests)))

    table = Table("one finding", "median", "times ours", title="scoring, on one core", title_justify="left")
    for name, seconds in found:
        table.add_row(name, f"{seconds * 1e6:,.1f} us", f"{seconds / found[0][1]:,.0f}")
    Console().print(table)
    print(f"asked: at most {LIMIT:.0f} us for a card of at most {TABLES} keys")


def _card(model: Any, prior: Scorecard) -> Scorecard:
    return Scorecard(
        name="bench",
        version="1",
        kind="trained",
        base=model.base_,
        threshold=None,
        tag_limit=prior.tag_limit,
        tables=model.tables_,
    )


def _ours(card: Scorecard, rows: list[dict[str, str]]) -> float:
    """Return the seconds for one finding that the card has not seen yet, its tables warm."""
    times = []
    for _ in range(ROUNDS):
        fresh = from_json(to_json(card))
        for features in rows[:SCORED]:
            fresh.score(features)
        start = time.process_time()
        for features in rows[SCORED:]:
            fresh.score(features)
        times.append((time.process_time() - start) / SCORED)
    return statistics.median(times)


def _each(work: Callable[[Any], object], tests: Iterable[Any]) -> float:
    times = []
    for one in tests:
        start = time.process_time()
        work(one)
        times.append(time.process_time() - start)
    return float(np.median(times))


if __name__ == "__main__":
    main()
