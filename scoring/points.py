"""Points: integer tenths inside, one decimal where people and files see them."""

import math
from decimal import Decimal

from scoring.files.errors import BadInput

# Far beyond any sensible card; keeps sums exact as floats with one decimal.
LIMIT = 1_000_000

TENTH = math.log(2) / 100
"""A tenth of a point as a change of log odds: ten points double the odds."""


def to_tenths(points: object, field: str) -> int:
    """Turn a number with at most one decimal into integer tenths.

    Raises
    ------
    BadInput
        Not a number, not finite, more than one decimal, or beyond 100,000 points.

    Examples
    --------
    >>> to_tenths(Decimal("12.5"), "base")
    125
    """
    if isinstance(points, bool) or not isinstance(points, (int, float, Decimal)):
        raise BadInput("expected a number", field=field, value=points)
    exact = Decimal(str(points))
    if not exact.is_finite() or exact.copy_abs() > LIMIT // 10:
        raise BadInput("expected a number from -100000 to 100000", field=field, value=str(points))
    if exact * 10 % 1:
        raise BadInput("expected a number with at most one decimal", field=field, value=str(points))
    return int(exact * 10)


def said_points(tenths: int) -> str:
    """Write points in a sentence, without a decimal that says nothing.

    Examples
    --------
    >>> said_points(370), said_points(125), said_points(-5)
    ('37', '12.5', '-0.5')
    """
    return str(from_tenths(tenths)) if tenths % 10 else str(tenths // 10)


def from_tenths(tenths: int) -> float:
    """Turn tenths into the number that people see.

    Examples
    --------
    >>> from_tenths(125)
    12.5
    """
    return tenths / 10
