"""What the estimator asks of a prior: the shape of a scorecard."""

from collections.abc import Sequence
from typing import Protocol

from scoring.scorecard import Table


class Card(Protocol):
    """A prior: what `scoring.scorecard.Scorecard` has."""

    @property
    def base(self) -> int:
        """Points that every row gets, in tenths."""

    @property
    def tables(self) -> Sequence[Table]:
        """Tables of points, in tenths."""
