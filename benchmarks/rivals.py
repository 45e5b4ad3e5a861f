"""Other people's models on the same columns: what ours is measured against.

They come with the extra `bench`, but for FasterRisk, whose package asks for versions of numpy and
scikit-learn that this project left behind: `pip install --no-deps fasterrisk requests`. What cannot be
imported is left out by name; FasterRisk 0.1.10 can be, but breaks on numpy 2, and is named as broken.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

import numpy as np
import pandas as pd

from training.arrays import Floats, Ints

Rival = Callable[[pd.DataFrame, Ints, pd.DataFrame], Floats]
# A column gets so many indicators in FasterRisk, which takes nothing but indicators.
MOST_INDICATORS: Final = 20


def logistic_regression(X: pd.DataFrame, y: Ints, later: pd.DataFrame) -> Floats:
    """One column for each value; the strength of the penalty by cross-validation."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    model = LogisticRegressionCV(
        Cs=np.geomspace(0.01, 30, 8),
        cv=5,
        scoring="neg_log_loss",
        max_iter=400,
        l1_ratios=(0,),
        use_legacy_attributes=False,
    )
    pipeline = make_pipeline(OneHotEncoder(handle_unknown="ignore"), model)
    return np.asarray(pipeline.fit(X, y).predict_proba(later)[:, 1])


def catboost(X: pd.DataFrame, y: Ints, later: pd.DataFrame) -> Floats:
    """Its own defaults."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        verbose=False, cat_features=list(X), thread_count=1, random_seed=0, allow_writing_files=False
    )
    return np.asarray(model.fit(X, y).predict_proba(later)[:, 1])


def lightgbm(X: pd.DataFrame, y: Ints, later: pd.DataFrame) -> Floats:
    """Its own defaults; a value that was never seen is missing."""
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(verbose=-1, n_jobs=1, random_state=0)
    rows = X.astype("category")
    known = pd.DataFrame({n: pd.Categorical(later[n], rows[n].cat.categories) for n in X}, later.index)
    return np.asarray(model.fit(rows, y).predict_proba(known)[:, 1])


def boosting_machine(X: pd.DataFrame, y: Ints, later: pd.DataFrame) -> Floats:
    """The explainable boosting machine of InterpretML, with its own defaults."""
    from interpret.glassbox import ExplainableBoostingClassifier

    model = ExplainableBoostingClassifier(
        feature_types=["nominal"] * X.shape[1], random_state=0, n_jobs=1, outer_bags=4
    )
    return np.asarray(model.fit(X, y).predict_proba(later)[:, 1])


def faster_risk(X: pd.DataFrame, y: Ints, later: pd.DataFrame) -> Floats:
    """A sparse integer score (Liu et al. 2022) over indicators of each column's most frequent values."""
    from fasterrisk.fasterrisk import RiskScoreClassifier, RiskScoreOptimizer

    values = [(n, v) for n in X for v in X[n].value_counts().index[:MOST_INDICATORS]]

    def indicators(rows: pd.DataFrame) -> Floats:
        return np.column_stack([(rows[n] == v).to_numpy(dtype=float) for n, v in values])

    search = RiskScoreOptimizer(X=indicators(X), y=2.0 * y - 1, k=10)
    search.optimize()
    multiplier, intercept, points = search.get_models(model_index=0)
    model = RiskScoreClassifier(multiplier, intercept, points)
    return np.asarray(model.predict_prob(indicators(later)))


# Name, module that it needs, and the function.
_ALL: Final[tuple[tuple[str, str, Rival], ...]] = (
    ("LR", "sklearn", logistic_regression),
    ("CatBoost", "catboost", catboost),
    ("LightGBM", "lightgbm", lightgbm),
    ("EBM", "interpret.glassbox", boosting_machine),
    ("FasterRisk", "fasterrisk.fasterrisk", faster_risk),
)
# The three that a target names.
NAMED: Final = ("LR", "CatBoost", "LightGBM")


def installed() -> tuple[dict[str, Rival], list[str]]:
    """Return the rivals that can be run, and the names of the others."""
    there = {name: fit for name, module, fit in _ALL if _can_import(module)}
    return there, [name for name, _, _ in _ALL if name not in there]


def _can_import(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def predicted(rival: Rival, X: pd.DataFrame, y: Ints, later: pd.DataFrame) -> Floats:
    """Return the probabilities of later rows, given rows as texts."""
    # Some refuse colons in names of columns.
    plain = [f"column {i}" for i in range(X.shape[1])]
    return rival(X.astype(str).set_axis(plain, axis=1), y, later.astype(str).set_axis(plain, axis=1))
