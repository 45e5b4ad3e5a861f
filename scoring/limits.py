"""At most so many in an hour, counted in one item of the decision log's table.

The item keeps the moments of the latest times, newest first, one list for each thing that is counted. The
n-th latest is more than an hour old, or there is none: then there is room for one more. DynamoDB checks that
in the same transaction that takes the room, so the limit holds whatever happens at the same time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from scoring.decision_log import Limit
from scoring.decision_table import key, to_item

HOUR = timedelta(hours=1)
LIMITS = "limits"
"""The partition that holds these items."""


class Most(msgspec.Struct, frozen=True):
    """At most `most` an hour of what is counted under a name."""

    name: str
    most: int


class Hourly(msgspec.Struct, frozen=True):
    """Limits that are counted in one item; each time counts for all of them.

    Parameters
    ----------
    table : str
    item : str
        Sort key of the item.
    limits : sequence of Most
        The first one counts every time that any other does.
    """

    table: str
    item: str
    limits: Sequence[Most]

    def take(self, now: datetime) -> Limit:
        """Return the write that takes room for one more, if there is any."""
        longest = 2 * self.limits[0].most + 10
        conditions = [
            f"(attribute_not_exists(#{n}[{limit.most - 1}]) OR #{n}[{limit.most - 1}] <= :hour_ago)"
            for n, limit in enumerate(self.limits)
        ]
        conditions.append(f"attribute_not_exists(#0[{longest - 1}])")
        sets = [f"#{n} = list_append(:now, if_not_exists(#{n}, :none))" for n in range(len(self.limits))]
        values = {":now": [_milliseconds(now)], ":none": [], ":hour_ago": _milliseconds(now - HOUR)}
        return self._update("SET " + ", ".join(sets), " AND ".join(conditions), values)

    def reached(self, item: Mapping[str, Any], now: datetime) -> Most | None:
        """Return the first limit that leaves no room, given the item's plain values."""
        for limit in self.limits:
            times = item.get(limit.name, ())
            if len(times) >= limit.most and times[limit.most - 1] > _milliseconds(now - HOUR):
                return limit
        return None

    def renew(self, item: Mapping[str, Any], now: datetime) -> Limit:
        """Return the write that takes room and forgets what is more than an hour old.

        For an item whose lists have become long, provided that nobody has written it since.
        """
        names = [limit.name for limit in self.limits]
        hour_ago = _milliseconds(now - HOUR)
        fresh = {
            name: [moment for moment in times if moment > hour_ago]
            for name, times in item.items()
            if isinstance(times, list)
        }
        fresh |= {name: [_milliseconds(now), *fresh.get(name, ())] for name in names}
        first = item[names[0]]
        return Limit(
            self.item,
            {
                "Put": {
                    "TableName": self.table,
                    "Item": to_item(
                        {"finding_id": LIMITS, "item": self.item}
                        | {name: times for name, times in fresh.items() if times}
                    ),
                    "ConditionExpression": "#0[0] = :head AND size(#0) = :size",
                    "ExpressionAttributeNames": {"#0": names[0]},
                    "ExpressionAttributeValues": to_item({":head": first[0], ":size": len(first)}),
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            },
        )

    def _update(self, expression: str, condition: str, values: Mapping[str, Any]) -> Limit:
        return Limit(
            self.item,
            {
                "Update": {
                    "TableName": self.table,
                    "Key": key(LIMITS, self.item),
                    "UpdateExpression": expression,
                    "ConditionExpression": condition,
                    "ExpressionAttributeNames": {f"#{n}": limit.name for n, limit in enumerate(self.limits)},
                    "ExpressionAttributeValues": to_item(values),
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            },
        )


def _milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch."""
    return int(moment.timestamp() * 1000)
