"""What a trained card can say of precedent: how often each value was seen, and how it was decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from scoring.features import UNKNOWN
from scoring.scorecard import Key, Table
from training.arrays import Ints
from training.keys import Columns, KeyValues

MOST_ENTRIES = 25_000


def with_evidence(
    tables: Sequence[Table], X: pd.DataFrame, verdict: Ints, whole: Collection[Key]
) -> tuple[Table, ...]:
    """Count all findings of a history into the tables' evidence; points stay as they are.

    Parameters
    ----------
    X : DataFrame of categories, shape (findings, features)
        What may count as precedent.
    verdict : array of shape (findings,)
        0 expected, 1 unintended, -1 none.
    whole : collection of keys
        Tables that get evidence for every value that was seen, the others for the values they list: at most
        25,000 of them, the most frequent.
    """
    columns = Columns(
        {name: list(X[name].cat.categories) for name in X.columns},
        {name: X[name].cat.codes.to_numpy(dtype=np.int32) for name in X.columns},
    )
    return tuple(_counted(table, columns, verdict, is_whole=table.key in whole) for table in tables)


def _counted(table: Table, columns: Columns, verdict: Ints, *, is_whole: bool) -> Table:
    values = KeyValues.of(columns, table.key)
    size = len(values.parts)
    seen = np.bincount(values.rows, minlength=size)
    expected = np.bincount(values.rows[verdict == 0], minlength=size)
    unintended = np.bincount(values.rows[verdict == 1], minlength=size)
    rare = np.sort(seen)[-MOST_ENTRIES] if size > MOST_ENTRIES else 0
    evidence = {}
    counted = zip(seen.tolist(), expected.tolist(), unintended.tolist(), strict=True)
    for text, counts in zip(values.texts(columns), counted, strict=True):
        is_listed = text in table.points or text in table.evidence or (is_whole and counts[0] > rare)
        if counts[0] and UNKNOWN not in text and is_listed:
            evidence[text] = counts
    return Table(
        key=table.key,
        points=table.points,
        default=table.default,
        unknown=table.unknown,
        evidence=dict(sorted(evidence.items())),
    )
