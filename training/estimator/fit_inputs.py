"""What a scorecard is learned from: labelled rows, the backlog below them, and the prior card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scoring.features.features import NOT_APPLICABLE
from scoring.points import TENTH
from scoring.scorecard.scorecard import Table
from training.arrays import Floats, Ints
from training.estimator import precedent
from training.estimator.crossfit import Design, KeyRows
from training.estimator.keys import Columns, Key, KeyValues, Order
from training.estimator.monotone import Grid, complete
from training.estimator.precedent import CountPrior


@dataclass(frozen=True)
class FitInputs:
    """Encoded rows, labelled ones first, and all that is known beforehand.

    Attributes
    ----------
    columns : Columns
        Labelled rows and backlog.
    y, weight : arrays of shape (n,)
        Of the labelled rows.
    fold : array of shape (n,)
        With which other labelled rows each is left out.
    tables : mapping of key to Table
        The prior card.
    card : array of shape (n,) or None
        The prior card's log-odds of the labelled rows, its base left out.
    precedents : frozenset of keys, or None
        Keys of which it is expected that it matters how often a value was seen; None: all.
    step : float
        Expected change of log-odds where a value was seen once before; see `precedent.prior`.
    count_prior : CountPrior
        How far that expectation is trusted.
    wildcard_values : mapping of column to value
        Who may be anyone; see `buckets_of`.
    """

    columns: Columns
    y: Floats
    weight: Floats
    fold: Ints
    order: Order
    tables: Mapping[Key, Table]
    card: Floats | None
    precedents: frozenset[Key] | None
    step: float
    wildcard_values: Mapping[str, str]
    count_prior: CountPrior = field(default_factory=CountPrior)
    _buckets: dict[Key, Ints] = field(default_factory=dict)
    _left_out: dict[Key, Ints] = field(default_factory=dict)
    _shares: dict[Key, Floats] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        frames: Sequence[pd.DataFrame],
        y: Floats,
        weight: Floats,
        fold: Ints,
        prior: Sequence[Table],
        order: Order | None,
        precedents: frozenset[Key] | None,
        step: float,
        wildcard_values: Mapping[str, str] | None,
    ) -> FitInputs:
        """Encode the labelled rows (first frame) and the backlog (the others)."""
        order = dict(order or {})
        tables = {table.key: table for table in prior}
        columns = Columns.of(frames, _listed(prior, order))
        card = None
        if tables:
            card = np.zeros(len(y))
            for key, table in tables.items():
                values = KeyValues.of(columns, key)
                card += TENTH * points_of(table, values, columns)[values.rows[: len(y)]]
        return cls(columns, y, weight, fold, order, tables, card, precedents, step, wildcard_values or {})

    def buckets(self, key: Key) -> Ints | None:
        """Return the labelled rows' buckets of precedent, no row counting itself; None: no matter."""
        if not (self.count_prior.every or self.is_precedent(key)):
            return None
        if key not in self._buckets:
            values = KeyValues.of(self.columns, key)
            rows = values.rows[: len(self.y)]
            self._buckets[key] = self.buckets_of(values, self.counts(values)[rows] - 1, rows)
        return self._buckets[key]

    def left_out_buckets(self, key: Key) -> Ints | None:
        """Return the same without the rows of its own fold: what is known of a row that is left out.

        Where folds are times, it is new to what came before, as findings are when they come up.
        """
        if self.buckets(key) is None:
            return None
        if key not in self._left_out:
            values, folds = KeyValues.of(self.columns, key), int(self.fold.max(initial=0)) + 1
            rows = values.rows[: len(self.y)]
            inside = np.bincount(rows * folds + self.fold, minlength=len(values) * folds)
            counts = self.counts(values)[rows] - inside[rows * folds + self.fold]
            self._left_out[key] = self.buckets_of(values, counts, rows)
        return self._left_out[key]

    def is_precedent(self, key: Key) -> bool:
        """Say whether it is expected that it matters how often a value of the key was seen."""
        return self.precedents is None or key in self.precedents

    def _usual(self, key: Key) -> Floats:
        """Return how all rows where somebody is concerned share out among the buckets of precedent."""
        if self.buckets(key) is None:
            return np.zeros(precedent.BUCKETS)
        if key not in self._shares:
            values = KeyValues.of(self.columns, key)
            seen = self.counts(values)
            bucket = self.buckets_of(values, seen - 1, np.arange(len(values)))
            rows = np.bincount(bucket, seen, precedent.BUCKETS + 1)[: precedent.BUCKETS]
            self._shares[key] = rows / max(1.0, float(rows.sum()))
        return self._shares[key]

    def buckets_of(self, values: KeyValues, counts: Ints, rows: Ints) -> Ints:
        """Return the buckets of values that occur so often; `rows` says which value each count is of.

        Unknown counts as never seen, and so does, on its own, who may be anyone: nobody knows such a
        principal, however often it was let in. Where nobody is concerned there is no precedent.
        """
        bucket = precedent.buckets(counts)
        bucket[rows == len(values) - 1] = 0
        if len(values.key) == 1 and (anyone := self.wildcard_values.get(values.key[0])) is not None:
            bucket[np.append(values.has(self.columns, anyone), False)[rows]] = 0
        bucket[np.append(values.has(self.columns, NOT_APPLICABLE), False)[rows]] = precedent.NONE
        return bucket

    @staticmethod
    def counts(values: KeyValues) -> Ints:
        """Return how often each value of a key occurs, labelled or not."""
        return np.bincount(values.rows, minlength=len(values))

    def ordered_values(self, key: Key, rows: Ints | None = None) -> tuple[KeyValues, Grid | None]:
        """Return a key's values among all rows (or some) and in the card, each ordered column complete."""
        table = self.tables.get(key)
        listed = [] if table is None else list(table.points)
        return complete(self.values(key, rows).including(self.columns, listed), self.columns, self.order)

    def values(self, key: Key, rows: Ints | None = None) -> KeyValues:
        """Return a key's values among all rows, or some."""
        columns = self.columns
        if rows is not None:
            columns = Columns(columns.categories, {name: columns.codes[name][rows] for name in key})
        return KeyValues.of(columns, key)

    def design(self, keys: Sequence[Key], variances: Floats, rows: Ints) -> Design:
        """Build the design of some labelled rows."""
        built = []
        for key, variance in zip(keys, variances.tolist(), strict=True):
            values, grid = self.ordered_values(key, rows)
            built.append(self.key_rows(values, grid, variance, rows))
        card = None if self.card is None else self.card[rows]
        return Design(self.y[rows], self.weight[rows], card, tuple(built))

    def key_rows(self, values: KeyValues, grid: Grid | None, variance: float, rows: Ints) -> KeyRows:
        """Describe one key for a fit on the first ``len(rows)`` rows of its values."""
        table = self.tables.get(values.key)
        card: Floats = np.zeros(len(values))
        if table is not None and grid is not None:
            card = TENTH * points_of(table, values, self.columns)
        left_out = self.left_out_buckets(values.key)
        bucket, expected = self.buckets(values.key), self.is_precedent(values.key)
        step = self.step * self.count_prior.strength if expected else 0.0
        return KeyRows(
            rows=values.rows[: len(rows)],
            size=len(values),
            variance=variance,
            buckets=None if bucket is None else bucket[rows],
            left_out_buckets=None if left_out is None else left_out[rows],
            precedent=precedent.prior(step, self._usual(values.key), self.count_prior.freedom),
            is_precedent=expected,
            fixed_at_zero=fixed_at_zero(values, self.columns),
            grid=grid,
            card=card,
        )


def _listed(tables: Sequence[Table], order: Order) -> dict[str, list[str]]:
    listed = {name: list(values) for name, values in order.items()}
    for table in tables:
        for texts in table.points:
            for name, text in zip(table.key, texts, strict=True):
                listed.setdefault(name, []).append(text)
    return listed


def points_of(table: Table, values: KeyValues, columns: Columns) -> Ints:
    """Look up a table's points, in tenths, for each of the values of its key, unknown last."""
    return np.array([*map(table.look_up, values.texts(columns)), table.unknown], dtype=np.int64)


def fixed_at_zero(values: KeyValues, columns: Columns) -> Ints:
    """Return which values of a combination have no points: where one of its questions does not arise.

    The runtime gives zero there even if the rest is unknown, and no known value may get more than that.
    """
    if len(values.key) == 1:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(values.has(columns, NOT_APPLICABLE))
