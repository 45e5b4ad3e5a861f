"""At most so many in an hour, counted in one item of the decision log.

The item keeps the moments of the latest events, newest first, one list for each thing that is counted. Where
the n-th latest is more than an hour old, or there is none, there is room for one more. The storage checks
that in the same transaction that takes the room, so the limit holds whatever happens at the same time.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from scoring.decision_log.log import DecisionLog, LimitReached
from scoring.decision_log.storage import (
    AtMost,
    Change,
    ConditionFailed,
    Delete,
    Equals,
    HasLength,
    Item,
    ItemKey,
    Missing,
    Put,
    Write,
)

HOUR: Final = timedelta(hours=1)

_PARTITION: Final = "limits"
_TRIES: Final = 3


class Cap(msgspec.Struct, frozen=True):
    """At most `most` an hour of what is counted under a name."""

    name: str
    most: int


class HourlyLimit(msgspec.Struct, frozen=True):
    """Caps that are counted in one item; each event counts for all of them.

    Parameters
    ----------
    name : str
    caps : sequence of Cap
        The first one counts every event that any other does.
    """

    name: str
    caps: Sequence[Cap]

    def admit(self, log: DecisionLog, now: datetime) -> bool:
        """Count one more if there is room, and say whether there was."""
        write: Write = self.take(now)
        for _ in range(_TRIES):
            try:
                log.storage.write([write])
            except ConditionFailed as refused:
                try:
                    write = self.renew(refused.failed[0] or {}, now)
                except LimitReached:
                    return False
            else:
                return True
        return False

    def count(self, log: DecisionLog, now: datetime) -> None:
        """Count one more whether or not there is room."""
        log.storage.write([self._counted(now)])

    def room(self, log: DecisionLog, now: datetime) -> int:
        """Return how many more there may be in this hour, below 0 where there were too many.

        What is more than an hour old is forgotten.
        """
        first, item = self.caps[0], log.storage.get(self._key)
        if item is None:
            return first.most
        hour_ago = _milliseconds(now - HOUR)
        times: list[int] = item.get(first.name, [])
        if len(times) > first.most:
            with suppress(ConditionFailed):  # another invocation is counting; the next one forgets
                log.storage.write([self._rewritten(item, now)])
        return first.most - sum(moment > hour_ago for moment in times)

    def reset(self, log: DecisionLog) -> None:
        """Forget what was counted."""
        log.storage.write([Delete(key=self._key)])

    def take(self, now: datetime) -> Change:
        """Return the write that counts one more, if there is room; see `scoring.decision_log.log.Limit`.

        An item that has become long is refused too.
        """
        hour_ago, first = _milliseconds(now - HOUR), self.caps[0]
        room = [AtMost((cap.name, cap.most - 1), hour_ago) for cap in self.caps]
        is_short = Missing((first.name, 3 * first.most + 29))
        return msgspec.structs.replace(self._counted(now), only_if=(*room, is_short))

    def renew(self, item: Item, now: datetime) -> Put:
        """Return the write that counts one more and forgets what is more than an hour old.

        Raises
        ------
        LimitReached
            A cap leaves no room.
        """
        for cap in self.caps:
            times = item.get(cap.name, ())
            if len(times) >= cap.most and times[cap.most - 1] > _milliseconds(now - HOUR):
                raise LimitReached(self.name, cap.name)
        return self._rewritten(item, now, _milliseconds(now))

    @property
    def _key(self) -> ItemKey:
        return _PARTITION, self.name

    def _counted(self, now: datetime) -> Change:
        return Change(key=self._key, prepend={cap.name: [_milliseconds(now)] for cap in self.caps})

    def _rewritten(self, item: Item, now: datetime, *more: int) -> Put:
        """Return the write of what the last hour has seen, if nothing was counted since the item was read."""
        hour_ago, first = _milliseconds(now - HOUR), self.caps[0].name
        fresh: dict[str, Any] = {
            name: [moment for moment in times if moment > hour_ago]
            for name, times in item.items()
            if isinstance(times, list)
        }
        fresh |= {cap.name: [*more, *fresh.get(cap.name, ())] for cap in self.caps}
        return Put(
            item={"finding_id": _PARTITION, "item": self.name, **{name: t for name, t in fresh.items() if t}},
            only_if=(Equals((first, 0), item[first][0]), HasLength((first,), len(item[first]))),
        )


def _milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch."""
    return int(moment.timestamp() * 1000)
