"""Keys: columns and combinations of columns, as integer codes.

A key's value is what a row holds in the key's columns. All work on rows is done on codes; texts come back
only for the few values that a table lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from scoring.features.features import NOT_APPLICABLE, UNKNOWN
from scoring.features.order import as_scored
from training.arrays import Bools, Ints

Key = tuple[str, ...]
Order = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Columns:
    """Rows as category codes: one sorted list of texts and one array of codes for each column."""

    categories: dict[str, list[str]]
    codes: dict[str, Ints]

    @classmethod
    def of(cls, frames: Sequence[pd.DataFrame], listed: Order | None = None) -> Columns:
        """Encode the rows of several frames of categories, one below the other.

        `listed` values of a column are categories whether a row has them or not. An ordered feature that is
        not known has its worst value, as in the runtime.
        """
        categories, codes = {}, {}
        for name in frames[0].columns:
            parts = [frame[name].cat for frame in frames]
            found = {as_scored(name, value) for part in parts for value in part.categories}
            values = sorted(found.union((listed or {}).get(name, ())))
            place = {value: i for i, value in enumerate(values)}
            categories[name] = values
            codes[name] = np.concatenate(
                [_places(name, part.categories, place)[part.codes] for part in parts]
            )
        return cls(categories, codes)


@dataclass(frozen=True)
class KeyValues:
    """The distinct values of one key and which of them each row has.

    The runtime scores all that is unknown by one entry of a table, so it is one value here, behind the
    others.

    Attributes
    ----------
    key : tuple of str
    parts : array of shape (values, columns of the key)
        Category codes of each distinct value that is known, sorted.
    rows : array of shape (rows,)
        Each row's index into `parts`; where it is unknown, one beyond them.
    """

    key: Key
    parts: Ints
    rows: Ints

    @classmethod
    def of(cls, columns: Columns, key: Key) -> KeyValues:
        """Find the distinct values of a key among the rows."""
        sizes = [len(columns.categories[name]) for name in key]
        if float(np.prod(np.array(sizes, dtype=float))) >= 2.0**62:
            raise ValueError(f"key {' x '.join(key)} has too many combinations of values")
        combined = np.zeros(len(columns.codes[key[0]]), dtype=np.int64)
        for name, size in zip(key, sizes, strict=True):
            combined = combined * size + columns.codes[name]
        rows, found = _distinct(combined)
        values = cls(key, _split(found, sizes), rows)
        known = ~(values.has(columns, UNKNOWN) & ~values.has(columns, NOT_APPLICABLE))
        place = np.where(known, np.cumsum(known) - 1, known.sum()).astype(np.int32)
        return cls(key, values.parts[known], place[rows])

    def __len__(self) -> int:
        """Return how many values there are, unknown included."""
        return len(self.parts) + 1

    def renumbered(self, parts: Ints, place: Ints) -> KeyValues:
        """Return the same rows with other values, given the new place of each value that is known."""
        rows = np.append(place, len(parts)).astype(np.int32)[self.rows]
        return KeyValues(self.key, parts.astype(np.int32), rows)

    def including(self, columns: Columns, listed: Sequence[Key]) -> KeyValues:
        """Return these values and the listed ones, which no row may have."""
        if not listed:
            return self
        place = [{value: i for i, value in enumerate(columns.categories[name])} for name in self.key]
        more = np.array(
            [[place[i][text] for i, text in enumerate(texts)] for texts in listed], dtype=np.int32
        )
        parts, back = np.unique(np.concatenate([self.parts, more]), axis=0, return_inverse=True)
        return self.renumbered(parts, back.reshape(-1)[: len(self.parts)])

    def texts(self, columns: Columns) -> list[Key]:
        """Return the distinct values as texts, unknown left out."""
        names = [columns.categories[name] for name in self.key]
        return [tuple(names[i][code] for i, code in enumerate(part)) for part in self.parts.tolist()]

    def has(self, columns: Columns, text: str) -> Bools:
        """Return which of the known values have this text in any of their columns."""
        found = np.zeros(len(self.parts), dtype=bool)
        for i, name in enumerate(self.key):
            values = columns.categories[name]
            if text in values:
                found |= self.parts[:, i] == values.index(text)
        return found


def _places(name: str, values: Iterable[str], place: Mapping[str, int]) -> Ints:
    return np.array([place[as_scored(name, value)] for value in values], dtype=np.int32)


def candidate_keys(names: Sequence[str], largest: int) -> list[Key]:
    """Return all combinations of up to `largest` columns, single ones first.

    Examples
    --------
    >>> candidate_keys(["a", "b"], 2)
    [('a',), ('b',), ('a', 'b')]
    """
    return [key for size in range(1, largest + 1) for key in combinations(names, size)]


def without_repeats(keys: Iterable[Key]) -> list[Key]:
    """Return keys once each, as they were first written: the order of their columns does not matter.

    Examples
    --------
    >>> without_repeats([("b", "a"), ("a",), ("a", "b")])
    [('b', 'a'), ('a',)]
    """
    first: dict[frozenset[str], Key] = {}
    for key in keys:
        first.setdefault(frozenset(key), key)
    return list(first.values())


def _distinct(combined: Ints) -> tuple[Ints, Ints]:
    code, found = pd.factorize(combined, sort=False)
    ranked = np.argsort(found, kind="stable")
    place = np.empty(len(found), dtype=np.int32)
    place[ranked] = np.arange(len(found), dtype=np.int32)
    return place[code], found[ranked]


def _split(combined: Ints, sizes: Sequence[int]) -> Ints:
    parts = np.empty((len(combined), len(sizes)), dtype=np.int32)
    for i in range(len(sizes) - 1, -1, -1):
        combined, parts[:, i] = np.divmod(combined, sizes[i])
    return parts
