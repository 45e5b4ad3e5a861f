"""Seeded randomness, and drawing from weighted values."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


def seeded(seed: int, purpose: str) -> Random:
    """A generator of its own for each purpose, so that one does not disturb the other."""
    return Random(f"{seed}:{purpose}")  # noqa: S311 - a simulation, no secret


class Weighted(Generic[T]):
    """Values with weights that need not sum to one.

    Examples
    --------
    >>> coin = Weighted([("heads", 1), ("tails", 3)])
    >>> coin.draw(0.2), coin.draw(0.3)
    ('heads', 'tails')
    """

    __slots__ = ("cumulative", "last", "total", "values")

    def __init__(self, pairs: Iterable[tuple[T, float]]) -> None:
        kept = [(value, weight) for value, weight in pairs if weight > 0]
        self.values = [value for value, _ in kept]
        # accumulate adds from left to right; sum() of floats differs between Python versions.
        self.cumulative = list(accumulate(weight for _, weight in kept))
        self.total = self.cumulative[-1]
        self.last = len(kept) - 1

    def draw(self, uniform: float) -> T:
        """The value at a number from [0, 1)."""
        return self.values[bisect_right(self.cumulative, uniform * self.total, 0, self.last)]
