"""Columns with few distinct values, each row held as a code of four bytes (dictionary encoding)."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import pandas as pd

from training.arrays import Ints

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True)
class Coded(Generic[T]):
    """A column: its distinct values in the order of their first row, and each row's index into them."""

    values: list[T]
    codes: Ints

    @classmethod
    def join(cls, parts: Iterable[Coded[T]]) -> Coded[T]:
        """Concatenate the rows of several columns.

        Examples
        --------
        >>> joined = Coded.join([Coded(["a", "b"], np.array([0, 1])), Coded(["b"], np.array([0]))])
        >>> joined.values, joined.codes.tolist()
        (['a', 'b'], [0, 1, 1])
        """
        place: dict[T, int] = {}
        codes: list[Ints] = [np.zeros(0, dtype=np.int32)]
        for part in parts:
            there = [place.setdefault(value, len(place)) for value in part.values]
            codes.append(np.array(there, dtype=np.int32)[part.codes])
        return cls(list(place), np.concatenate(codes))

    def take(self, rows: Ints) -> Coded[T]:
        """Return some of the rows."""
        return Coded(self.values, self.codes[rows])

    def categorical(self) -> pd.Categorical:
        """Return the rows as pandas holds them."""
        return pd.Categorical.from_codes(self.codes, categories=pd.Index(self.values, dtype=object))


def in_order(coded: Coded[str]) -> Coded[str]:
    """Return the same rows with the values that occur, sorted: the same whatever the order of the files was.

    Examples
    --------
    >>> sorted_ = in_order(Coded(["b", "unused", "a"], np.array([0, 2, 0])))
    >>> sorted_.values, sorted_.codes.tolist()
    (['a', 'b'], [1, 0, 1])
    """
    used = np.flatnonzero(np.bincount(coded.codes, minlength=len(coded.values))).tolist()
    ranked = sorted(used, key=coded.values.__getitem__)
    place = np.zeros(len(coded.values), dtype=np.int32)
    place[ranked] = np.arange(len(ranked))
    return Coded([coded.values[i] for i in ranked], place[coded.codes])


@dataclass
class Coder(Generic[T]):
    """Makes a column of rows that come one by one."""

    place: dict[T, int] = field(default_factory=dict)
    codes: array[int] = field(default_factory=lambda: array("i"))

    def add(self, value: T) -> None:
        """Add a row."""
        self.codes.append(self.place.setdefault(value, len(self.place)))

    def coded(self) -> Coded[T]:
        """Return the rows so far."""
        return Coded(list(self.place), np.array(self.codes, dtype=np.int32))
