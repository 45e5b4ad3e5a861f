"""At most so many in an hour, counted in one item of the decision log's table.

The item keeps the moments of the latest times, newest first, one list for each thing that is counted. The
n-th latest is more than an hour old, or there is none: then there is room for one more. DynamoDB checks that
in the same transaction that takes the room, so the limit holds whatever happens at the same time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from scoring.decision_log.log import Limit
from scoring.decision_log.table import key, to_item

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
        """Return the write that takes room for one more, if there is any.

        An item that has become long is refused too; see `renew`.
        """
        conditions = [
            f"(attribute_not_exists(#{n}[{limit.most - 1}]) OR #{n}[{limit.most - 1}] <= :hour_ago)"
            for n, limit in enumerate(self.limits)
        ]
        longest = 3 * self.limits[0].most + 30
        conditions.append(f"attribute_not_exists(#0[{longest - 1}])")
        update = self.count(now)
        update["ConditionExpression"] = " AND ".join(conditions)
        update["ExpressionAttributeValues"] |= to_item({":hour_ago": _milliseconds(now - HOUR)})
        return Limit(self.item, {"Update": {**update, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}})

    def count(self, now: datetime) -> dict[str, Any]:
        """Return the arguments of UpdateItem that count one more whether or not there is room."""
        sets = [f"#{n} = list_append(:now, if_not_exists(#{n}, :none))" for n in range(len(self.limits))]
        return {
            "TableName": self.table,
            "Key": key(LIMITS, self.item),
            "UpdateExpression": "SET " + ", ".join(sets),
            "ExpressionAttributeNames": {f"#{n}": limit.name for n, limit in enumerate(self.limits)},
            "ExpressionAttributeValues": to_item({":now": [_milliseconds(now)], ":none": []}),
        }

    def renew(self, item: Mapping[str, Any], now: datetime, *, taken: bool = True) -> Limit:
        """Return the write that forgets what is more than an hour old, if nobody has written since.

        Parameters
        ----------
        item : mapping
            The item's plain values; it is there.
        taken : bool
            Whether room is taken for one more as well.
        """
        hour_ago = _milliseconds(now - HOUR)
        fresh = {
            name: [moment for moment in times if moment > hour_ago]
            for name, times in item.items()
            if isinstance(times, list)
        }
        if taken:
            fresh |= {limit.name: [_milliseconds(now), *fresh.get(limit.name, ())] for limit in self.limits}
        counted = item[self.limits[0].name]
        renewed = {"finding_id": LIMITS, "item": self.item} | {name: t for name, t in fresh.items() if t}
        return Limit(
            self.item,
            {
                "Put": {
                    "TableName": self.table,
                    "Item": to_item(renewed),
                    "ConditionExpression": "#0[0] = :newest AND size(#0) = :size",
                    "ExpressionAttributeNames": {"#0": self.limits[0].name},
                    "ExpressionAttributeValues": to_item({":newest": counted[0], ":size": len(counted)}),
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            },
        )

    def within(self, item: Mapping[str, Any], now: datetime) -> int:
        """Return how many times the last hour has seen, given the item's plain values."""
        hour_ago = _milliseconds(now - HOUR)
        return sum(moment > hour_ago for moment in item.get(self.limits[0].name, ()))

    def reached(self, item: Mapping[str, Any], now: datetime) -> Most | None:
        """Return the first limit that leaves no room, given the item's plain values."""
        for limit in self.limits:
            times = item.get(limit.name, ())
            if len(times) >= limit.most and times[limit.most - 1] > _milliseconds(now - HOUR):
                return limit
        return None


def _milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch."""
    return int(moment.timestamp() * 1000)
