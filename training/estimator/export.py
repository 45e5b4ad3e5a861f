"""From effects to the runtime's tables: integer tenths of points, merged with the prior card's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scoring.features.features import NOT_APPLICABLE, UNKNOWN
from scoring.points import TENTH
from scoring.scorecard.order import in_order
from scoring.scorecard.scorecard import Table
from training.arrays import Floats, Ints
from training.estimator import precedent
from training.estimator.fit_inputs import FitInputs, fixed_at_zero, points_of
from training.estimator.keys import Columns, Key, KeyValues
from training.estimator.monotone import Grid

# Of an entry's points and evidence with what is around them.
NUMBERS_BYTES = 36


@dataclass(frozen=True)
class Learned:
    """What was learned about one key, in log-odds.

    Attributes
    ----------
    effects : array of shape (values,)
    buckets : array of shape (buckets,) or None
        Effects of precedent.
    """

    values: KeyValues
    grid: Grid | None
    effects: Floats
    buckets: Floats | None


def export(
    inputs: FitInputs, learned: Sequence[Learned], card_weight: float, max_entries: int, max_bytes: int
) -> tuple[tuple[Table, ...], float]:
    """Turn effects into tables.

    Returns
    -------
    tables : tuple of Table
    centre : float
        What the tables leave out, in log-odds, so that each precedent is zero where nobody is concerned or,
        where that never happens, on average.
    """
    drafts, centre = [], 0.0
    for part in learned:
        draft, left_out = _draft(inputs, part, card_weight)
        drafts.append(draft)
        centre += left_out
    limit = _impact_limit(inputs, drafts, max_entries, max_bytes)
    # A reader raises what falls along a feature that is ordered, whether `monotone` names it or not: what is
    # written is what is read.
    return tuple(in_order(draft.table(inputs, limit)) for draft in drafts), centre


def score_rows(base: int, tables: Sequence[Table], frame: pd.DataFrame) -> Ints:
    """Score rows as the runtime does, in integer tenths of points, limits on tags left out."""
    total = np.full(len(frame), base, dtype=np.int64)
    if len(frame):
        columns = Columns.of([frame])
        for table in tables:
            values = KeyValues.of(columns, table.key)
            total += points_of(table, values, columns)[values.rows]
    return total


@dataclass(frozen=True)
class _Draft:
    """A table before it is written: one line for each value of its key."""

    key: Key
    values: KeyValues
    points: Ints
    default: int
    unknown: int
    seen: Ints
    impact: Floats

    def bytes(self, columns: Columns) -> Ints:
        """Return about how long each entry is in a file: the text of the last column, twice, and numbers."""
        length = np.array([len(text.encode()) for text in columns.categories[self.key[-1]]], dtype=np.int64)
        return 2 * length[self.values.parts[:, -1]] + NUMBERS_BYTES

    def table(self, inputs: FitInputs, limit: float) -> Table:
        texts = self.values.texts(inputs.columns)
        n = len(inputs.y)
        unintended = np.bincount(self.values.rows[:n], inputs.y, len(self.values)).astype(int)
        labelled = np.bincount(self.values.rows[:n], minlength=len(self.values))
        card = inputs.tables.get(self.key)
        points, evidence, unlisted = {}, {}, 0
        keep = (self.impact > limit) | np.isinf(self.impact)
        for i, text in enumerate(texts):
            if UNKNOWN in text or not keep[i]:
                unlisted = unlisted if UNKNOWN in text else max(unlisted, int(self.seen[i]))
                continue
            implied = 0 if NOT_APPLICABLE in text else self.default
            if self.points[i] != implied or (card and text in card.points):
                points[text] = int(self.points[i])
            if self.seen[i]:
                bad = int(unintended[i])
                evidence[text] = (int(self.seen[i]), int(labelled[i]) - bad, bad)
        return Table(
            key=self.key,
            points=points,
            default=self.default,
            unknown=self.unknown,
            evidence=evidence,
            unlisted=unlisted,
        )


def _draft(inputs: FitInputs, part: Learned, card_weight: float) -> tuple[_Draft, float]:
    values = part.values
    seen = inputs.counts(values)
    quiet = fixed_at_zero(values, inputs.columns)
    effects, unseen, centre = part.effects.copy(), 0.0, 0.0
    if part.buckets is not None:
        bucket = inputs.buckets_of(values, seen, np.arange(len(values)))
        if seen[quiet].any():
            # A combination says nothing where one of its questions does not arise: what is left out is what
            # the fit gave such rows, so that they stay where it had them.
            centre = float(part.buckets[precedent.NONE])
        elif seen.any():
            centre = float(np.average(part.buckets[bucket], weights=seen))
        effects = effects + part.buckets[bucket] - centre
        unseen = float(part.buckets[0]) - centre
    effects[quiet] = 0.0
    points, default = effects / TENTH, unseen / TENTH
    card = inputs.tables.get(values.key)
    if card is not None:
        points = points + card_weight * points_of(card, values, inputs.columns)
        default = default + card_weight * card.default
    unknown = 0.0 if card is None else card_weight * card.unknown
    points = points[:-1]
    if part.grid is not None and len(inputs.y):
        points = part.grid.project(points, seen[:-1] + 1.0)
    known = np.rint(points).astype(np.int64)
    whole = int(np.rint(default))
    worst = max(int(np.rint(unknown)), whole, *known.tolist())
    impact = (known - whole) ** 2.0 * np.maximum(seen[:-1], 1.0) + np.minimum(seen[:-1], 1) * 1e-3
    if card is not None:
        impact[_places(values, inputs.columns, list(card.points))] = np.inf
    if part.grid is not None:
        # Ordered values stay or go together: one of them alone would stand beside the default.
        lines = part.grid.index.reshape(len(part.grid.index), int(np.prod(part.grid.index.shape[1:])))
        impact[lines] = impact[lines].max(axis=1, keepdims=True)
    return _Draft(values.key, values, known, whole, worst, seen, impact), centre


def _places(values: KeyValues, columns: Columns, listed: Sequence[Key]) -> list[int]:
    place = {text: i for i, text in enumerate(values.texts(columns))}
    return [place[text] for text in listed]


def _impact_limit(inputs: FitInputs, drafts: Sequence[_Draft], max_entries: int, max_bytes: int) -> float:
    """Return the impact (seen x square of the difference to the default) up to which entries are left out."""
    if not drafts:
        return -1.0
    impact = np.concatenate([draft.impact for draft in drafts])
    size = np.concatenate([draft.bytes(inputs.columns) for draft in drafts])
    ranked = np.argsort(-impact, kind="stable")
    fitting = min(max_entries, int(np.searchsorted(np.cumsum(size[ranked]), max_bytes, side="right")))
    return float(impact[ranked[fitting]]) if fitting < len(ranked) else -1.0
