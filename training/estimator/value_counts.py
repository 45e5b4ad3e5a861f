"""What a trained card can say of precedent: how often each value was seen, and how it was decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from scoring.features.features import UNKNOWN
from scoring.scorecard.scorecard import Key, Table
from training.arrays import Ints

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
    return tuple(_counted(table, X, verdict, is_whole=table.key in whole) for table in tables)


def distinct(X: pd.DataFrame, key: Key) -> tuple[list[Key], Ints]:
    """Return the distinct values of a key among rows of categories, and each row's index into them.

    Examples
    --------
    >>> X = pd.DataFrame({"a": ["x", "y", "x"], "b": ["1", "1", "1"]}, dtype="category")
    >>> texts, rows = distinct(X, ("a", "b"))
    >>> texts, rows.tolist()
    ([('x', '1'), ('y', '1')], [0, 1, 0])
    """
    combined = np.zeros(len(X), dtype=np.int64)
    for name in key:
        combined = combined * len(X[name].cat.categories) + X[name].cat.codes.to_numpy()
    rows, found = pd.factorize(combined, sort=True)
    parts: list[list[str]] = []
    for name in reversed(key):
        found, code = np.divmod(found, max(1, len(X[name].cat.categories)))
        parts.insert(0, X[name].cat.categories.to_numpy()[code].tolist())
    return list(zip(*parts, strict=True)), rows


def _counted(table: Table, X: pd.DataFrame, verdict: Ints, *, is_whole: bool) -> Table:
    texts, rows = distinct(X, table.key)
    size = len(texts)
    seen = np.bincount(rows, minlength=size)
    expected = np.bincount(rows[verdict == 0], minlength=size)
    unintended = np.bincount(rows[verdict == 1], minlength=size)
    rare = np.sort(seen)[-MOST_ENTRIES] if size > MOST_ENTRIES else 0
    evidence, unlisted = {}, 0
    counted = zip(seen.tolist(), expected.tolist(), unintended.tolist(), strict=True)
    for text, counts in zip(texts, counted, strict=True):
        is_listed = text in table.points or text in table.evidence or (is_whole and counts[0] > rare)
        if UNKNOWN in text:
            continue
        if counts[0] and is_listed:
            evidence[text] = counts
        else:
            unlisted = max(unlisted, counts[0])
    return Table(
        key=table.key,
        points=table.points,
        default=table.default,
        unknown=table.unknown,
        evidence=dict(sorted(evidence.items())),
        unlisted=unlisted,
    )
