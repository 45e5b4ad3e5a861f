"""How scores and the values of features move over time, and which tables matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from scoring.scorecard.scorecard import Table
from training.arrays import Floats, Ints
from training.dataset.dataset import Dataset
from training.estimator.value_counts import distinct

PERIODS: Final = 12
SHORT_PERIODS: Final = 6
LEAST: Final = 20
"""Findings in a period; fewer say nothing of how values move."""
_MOST_VALUES: Final = 9
_FREQUENT: Final = 0.02


class Importance(NamedTuple):
    """How much a table moves scores: mean distance of its points from their mean, in points."""

    table: Table
    points: float


class Period(NamedTuple):
    """The scores of a period: tenth, half and nine tenths of them are below these points."""

    begins: str
    low: float
    middle: float
    high: float
    findings: int


class Shift(NamedTuple):
    """How far the values of a feature have moved (population stability index), and the share never seen."""

    feature: str
    stability: float
    new_share: float


def importance(tables: Sequence[Table], X: pd.DataFrame) -> list[Importance]:
    """Return how much each table matters for some rows, the most important first."""
    if not len(X):
        return [Importance(table, 0.0) for table in tables]
    found = []
    for table in tables:
        texts, values = distinct(X, table.key)
        points = np.array([table.look_up(text) for text in texts])[values] / 10
        found.append(Importance(table, round(float(np.abs(points - points.mean()).mean()), 3)))
    return sorted(found, key=lambda one: -one.points)


def periods(time: Floats, scores: Ints) -> list[Period]:
    """Return how scores were distributed in each of twelve periods with equally many findings."""
    found = []
    for rows in np.array_split(np.arange(len(time)), min(PERIODS, max(1, len(time) // 20))):
        if len(rows):
            low, middle, high = (np.quantile(scores[rows], (0.1, 0.5, 0.9)) / 10).round(1).tolist()
            found.append(Period(_day(time[rows[0]]), low, middle, high, len(rows)))
    return found


def shifts(dataset: Dataset, before: Ints, after: Ints) -> list[Shift]:
    """Return how far each feature's values have moved between two sets of findings, the farthest first."""
    if not len(before) or not len(after):
        return []
    found = []
    for name in dataset.X.columns:
        old, new = (_counts(dataset, str(name), rows) for rows in (before, after))
        unseen = round(float(new[old == 0].sum() / len(after)), 4)
        found.append(Shift(str(name), stability(old, new), unseen))
    return sorted(found, key=lambda one: (-one.stability, one.feature))


def shifts_over_time(dataset: Dataset, before: Ints, after: Ints, most: int) -> pd.DataFrame:
    """Return how far features have moved in each of six periods since then.

    Returns
    -------
    DataFrame
        One row for each of the `most` features that moved farthest, one column a period, named by its first
        day.
    """
    parts = [rows for rows in np.array_split(after, SHORT_PERIODS) if len(rows) >= LEAST]
    names = [one.feature for one in shifts(dataset, before, after) if dataset.X[one.feature].nunique() > 1]
    columns = {
        _day(dataset.time[rows[0]]): [
            stability(_counts(dataset, name, before), _counts(dataset, name, rows)) for name in names
        ]
        for rows in parts
    }
    moved = pd.DataFrame(columns, index=names, dtype=float)
    return moved.loc[moved.max(axis=1).sort_values(ascending=False, kind="stable").index[:most]]


def stability(old: Ints, new: Ints) -> float:
    """Return the population stability index of counts by value.

    The values are those with at least 2 % each, at most nine of them, and all others together: what is rare
    differs by chance. The index is the sum over these of (p - q) ln(p / q), each with half a finding more
    than it has. Below 0.1 hardly anything moves; above 0.25 is commonly taken for a large move.

    Examples
    --------
    >>> stability(np.array([50, 50]), np.array([5, 5])), stability(np.array([90, 10]), np.array([10, 90]))
    (0.0, 3.412)
    """
    frequent = np.argsort(-old, kind="stable")[:_MOST_VALUES]
    frequent = frequent[old[frequent] >= _FREQUENT * old.sum()]
    p, q = (np.append(counts[frequent], counts.sum() - counts[frequent].sum()) for counts in (old, new))
    there = (p + q) > 0
    p, q = p[there] + 0.5, q[there] + 0.5
    p, q = p / p.sum(), q / q.sum()
    return round(float(((q - p) * np.log(q / p)).sum()), 3)


def _counts(dataset: Dataset, name: str, rows: Ints) -> Ints:
    column = dataset.X[name].cat
    return np.bincount(column.codes.to_numpy()[rows], minlength=len(column.categories))


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(float(seconds), UTC).strftime("%Y-%m-%d")
