"""Try other points in a scorecard, and see which decisions change."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pandas as pd

from scoring.files.errors import BadInput, did_you_mean
from scoring.points import to_tenths
from scoring.scorecard.formats import with_digest
from scoring.scorecard.order import in_order
from scoring.scorecard.scorecard import Key, Scorecard


def with_points(card: Scorecard, key: Key, points: Mapping[Key, float]) -> Scorecard:
    """Return a scorecard with other points in one table.

    Parameters
    ----------
    key : tuple of str
        The table's.
    points : mapping of a tuple of values to points
        One value for each name in the key.

    Raises
    ------
    BadInput
        There is no such table, or its key has another number of names.

    Notes
    -----
    The order of grants is kept, as when a card is read: values that allow more get at least as many points.

    Examples
    --------
    >>> from scoring.scorecard import formats
    >>> card = with_points(formats.load(), ("trust",), {("contracted",): 0.0})
    >>> next(table for table in card.tables if table.key == ("trust",)).points[("contracted",)]
    0
    """
    tables = {table.key: table for table in card.tables}
    if key not in tables:
        hint = did_you_mean(" × ".join(key), (" × ".join(known) for known in tables))
        raise BadInput(f"the scorecard has no such table{hint}", field="key", value=" × ".join(key))
    table = tables[key]
    changed = dict(table.points)
    for values, number in points.items():
        if len(values) != len(key):
            raise BadInput(f"expected {len(key)} values", field="points", value=" × ".join(values))
        changed[values] = to_tenths(number, " × ".join(values))
    unknown = max(table.unknown, *changed.values())
    tables[key] = in_order(msgspec.structs.replace(table, points=changed, unknown=unknown))
    return with_digest(msgspec.structs.replace(card, tables=tuple(tables.values())))


def changed_decisions(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the findings whose outcome differs between two tables of decisions on the same findings.

    Returns
    -------
    DataFrame
        `finding_id`, `resource`, `verdict`, `before`, `after` (outcomes), `score before`, `score after`.
    """
    rows = (before["outcome"] != after["outcome"]).to_numpy()
    return pd.DataFrame(
        {
            "finding_id": before["finding_id"],
            "resource": before["resource"],
            "verdict": before["verdict"],
            "before": before["outcome"],
            "after": after["outcome"],
            "score before": before["score"],
            "score after": after["score"],
        }
    )[rows].reset_index(drop=True)
