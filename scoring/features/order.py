"""Which features stand in an order of risk, and how; the runtime and training read it here.

A grant that contains another (a condition dropped, a value added, a principal or an action added) never has
an earlier value of any of these. A card whose tables rise along all of them therefore never scores it lower.
"""

from typing import Final

from scoring.features.features import FEATURES, NOT_KNOWN, UNKNOWN

ORDERS: Final[dict[str, tuple[str, ...]]] = {
    feature.name: feature.values for feature in FEATURES if feature.ordered and feature.values
}
"""Feature to its values, from harmless to risky."""


NOTHING_KNOWN: Final = (UNKNOWN, NOT_KNOWN)
"""Values that say that nobody knows: not even whether the question arises, or what the answer is."""


def order_of(feature: str) -> tuple[str, ...] | None:
    """Return the values of a feature from harmless to risky; None where they stand in no order.

    Examples
    --------
    >>> order_of("public")
    ('meant to be public', 'not public', 'public')
    >>> order_of("environment") is None
    True
    """
    return ORDERS.get(feature)


def as_scored(feature: str, value: str) -> str:
    """Return the value that a table is asked for: what is not known of an ordered feature is its worst.

    So nobody gains by making known that it is the worst.

    Examples
    --------
    >>> as_scored("trust", "not known"), as_scored("trust", "stranger")
    ('anyone', 'stranger')
    """
    return ORDERS[feature][-1] if value == NOT_KNOWN and feature in ORDERS else value
