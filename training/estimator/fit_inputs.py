"""What a scorecard is learned from: labelled rows, the backlog below them, and the prior card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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


class _Counted(NamedTuple):
    """How often the labelled rows' values of a key were seen, as buckets, and what is usual."""

    buckets: Ints
    left_out: Ints
    usual: Floats


class _Prepared(NamedTuple):
    """A key's values among some rows, with what does not depend on variances or expectations."""

    among: Ints | None
    values: KeyValues
    grid: Grid | None
    fixed_at_zero: Ints
    card: Floats


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
    _counted: dict[Key, _Counted] = field(default_factory=dict)
    _prepared: dict[Key, _Prepared] = field(default_factory=dict)
    _expected: dict[tuple[Key, CountPrior], tuple[Floats, Floats]] = field(default_factory=dict)

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

    def _counts_of(self, key: Key) -> _Counted | None:
        """Return the labelled rows' buckets of precedent, no row counting itself; None: no matter.

        And the same without the rows of its own fold: what is known of a row that is left out. Where folds
        are times, it is new to what came before, as findings are when they come up. What is usual is how all
        rows where somebody is concerned share out among the buckets.
        """
        if not (self.count_prior.every or self.is_precedent(key)):
            return None
        if key not in self._counted:
            values, folds = KeyValues.of(self.columns, key), int(self.fold.max(initial=0)) + 1
            seen, rows = self.counts(values), values.rows[: len(self.y)]
            inside = np.bincount(rows * folds + self.fold, minlength=len(values) * folds)
            others = seen[rows] - inside[rows * folds + self.fold]
            of_values = self.buckets_of(values, seen - 1, np.arange(len(values)))
            share = np.bincount(of_values, seen, precedent.BUCKETS + 1)[: precedent.BUCKETS]
            self._counted[key] = _Counted(
                self.buckets_of(values, seen[rows] - 1, rows),
                self.buckets_of(values, others, rows),
                share / max(1.0, float(share.sum())),
            )
        return self._counted[key]

    def is_precedent(self, key: Key) -> bool:
        """Say whether it is expected that it matters how often a value of the key was seen."""
        return self.precedents is None or key in self.precedents

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

    def ordered_values(self, key: Key) -> tuple[KeyValues, Grid | None]:
        """Return a key's values among all rows and in the card, each ordered column complete."""
        found = self._prepare(key, None)
        return found.values, found.grid

    def values(self, key: Key, rows: Ints | None = None) -> KeyValues:
        """Return a key's values among all rows, or some."""
        columns = self.columns
        if rows is not None:
            columns = Columns(columns.categories, {name: columns.codes[name][rows] for name in key})
        return KeyValues.of(columns, key)

    def design(self, keys: Sequence[Key], variances: Floats, rows: Ints | None = None) -> Design:
        """Build the design of some labelled rows; of all, with the values of the backlog, by default."""
        some = np.arange(len(self.y)) if rows is None else rows
        built = []
        for key, variance in zip(keys, variances.tolist(), strict=True):
            found, counted = self._prepare(key, rows), self._counts_of(key)
            built.append(
                KeyRows(
                    rows=found.values.rows[: len(some)],
                    size=len(found.values),
                    variance=variance,
                    buckets=None if counted is None else counted.buckets[some],
                    left_out_buckets=None if counted is None else counted.left_out[some],
                    precedent=self._expectation(key, counted),
                    is_precedent=self.is_precedent(key),
                    fixed_at_zero=found.fixed_at_zero,
                    grid=found.grid,
                    card=found.card,
                )
            )
        card = None if self.card is None else self.card[some]
        return Design(self.y[some], self.weight[some], card, tuple(built))

    def _prepare(self, key: Key, rows: Ints | None) -> _Prepared:
        """Find a key's values, once for the same rows: a search builds many designs of the same keys."""
        found = self._prepared.get(key)
        if found is None or found.among is not rows:
            table = self.tables.get(key)
            listed = [] if table is None else list(table.points)
            values = self.values(key, rows).including(self.columns, listed)
            values, grid = complete(values, self.columns, self.order)
            card: Floats = np.zeros(len(values))
            if table is not None and grid is not None:
                card = TENTH * points_of(table, values, self.columns)
            found = _Prepared(rows, values, grid, fixed_at_zero(values, self.columns), card)
            self._prepared[key] = found
        return found

    def _expectation(self, key: Key, counted: _Counted | None) -> tuple[Floats, Floats]:
        """Return mean and covariance of the effects of the key's counts, beforehand."""
        at = (key, self.count_prior)
        if at not in self._expected:
            step = self.step * self.count_prior.strength if self.is_precedent(key) else 0.0
            usual = np.zeros(precedent.BUCKETS) if counted is None else counted.usual
            self._expected[at] = precedent.prior(step, usual, self.count_prior.freedom)
        return self._expected[at]


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
