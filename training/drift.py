"""How scores and the values of features move over time, and which tables matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from scoring.scorecard import Table
from training.arrays import Floats, Ints
from training.dataset import Dataset
from training.evidence import distinct

PERIODS: Final = 12


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
            begins = datetime.fromtimestamp(float(time[rows[0]]), UTC).strftime("%Y-%m-%d")
            found.append(Period(begins, low, middle, high, len(rows)))
    return found


def shifts(dataset: Dataset, before: Ints, after: Ints) -> list[Shift]:
    """Return how far each feature's values have moved between two sets of findings, the farthest first.

    The index is the sum over values of (p - q) ln(p / q), each value with half a finding more than it has;
    above 0.25 is commonly taken for a large move.
    """
    if not len(before) or not len(after):
        return []
    found = []
    for name in dataset.X.columns:
        column = dataset.X[name].cat
        size = len(column.categories)
        codes = column.codes.to_numpy()
        old = np.bincount(codes[before], minlength=size)
        new = np.bincount(codes[after], minlength=size)
        there = (old + new) > 0
        p = (old[there] + 0.5) / (len(before) + 0.5 * there.sum())
        q = (new[there] + 0.5) / (len(after) + 0.5 * there.sum())
        stability = float(((q - p) * np.log(q / p)).sum())
        found.append(Shift(str(name), round(stability, 3), round(float(new[old == 0].sum() / len(after)), 4)))
    return sorted(found, key=lambda one: -one.stability)
