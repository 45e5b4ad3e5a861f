"""Cards keep the order of risk: along each ordered feature no entry of a table is less than one before it.

Each table by itself rises, so every sum of tables does. See `scoring.features.order` for the orders.
"""

from collections.abc import Iterator
from itertools import product

import msgspec

from scoring.features.features import NOT_APPLICABLE
from scoring.features.order import order_of
from scoring.points import from_tenths
from scoring.scorecard.scorecard import Key, Table


def in_order(table: Table) -> Table:
    """Return the table with entries raised, where there are any, until it rises along every ordered feature.

    Points only ever go up: what is archived by the result was archived by the table as it was.

    Examples
    --------
    >>> points = {("Write",): 170, ("Tagging",): 200}
    >>> table = Table(key=("access_level",), points=points, default=0, unknown=200)
    >>> in_order(table).points[("Write",)]
    200
    """
    raised = dict(_raised(table))
    points = {values: max(tenths, raised.get(values, tenths)) for values, tenths in table.points.items()}
    for values, tenths in raised.items():
        if values not in points and tenths != _implied(table, values):
            points[values] = tenths
    worst = max((table.default, table.unknown, *points.values()))
    return msgspec.structs.replace(table, points=points, unknown=worst)


def first_fall(table: Table) -> str | None:
    """Say where a table falls though it has to rise; None where it nowhere does."""
    for values, points in _raised(table):
        now = table.look_up(values)
        if points > now:
            names = " and ".join(name for name in table.key if order_of(name))
            return (
                f"expected at least {from_tenths(points)} for {' × '.join(values)}, as for less risk, "
                f"got {from_tenths(now)}: points may not fall along {names}"
            )
    return None


def _raised(table: Table) -> Iterator[tuple[Key, int]]:
    """Yield the points that each combination of ordered values needs, for whatever else is listed."""
    axes = [(i, order) for i, name in enumerate(table.key) if (order := order_of(name))]
    if not axes:
        return
    places = [{value: n for n, value in enumerate(order)} for _, order in axes]
    groups: dict[Key, None] = {}
    for values in table.points:
        if all(values[i] in place for (i, _), place in zip(axes, places, strict=True)):
            groups[tuple("" if order_of(name) else v for name, v in zip(table.key, values, strict=True))] = (
                None
            )
    for group in groups:
        found: dict[tuple[int, ...], int] = {}
        for spot in product(*(range(len(order)) for _, order in axes)):
            filled = list(group)
            for (i, order), n in zip(axes, spot, strict=True):
                filled[i] = order[n]
            values = tuple(filled)
            below = [
                found[(*spot[:axis], spot[axis] - 1, *spot[axis + 1 :])]
                for axis in range(len(spot))
                if spot[axis]
            ]
            found[spot] = max((table.look_up(values), *below))
            yield values, found[spot]


def _implied(table: Table, values: Key) -> int:
    """Return what a combination gets that is not listed."""
    return 0 if NOT_APPLICABLE in values else table.default
