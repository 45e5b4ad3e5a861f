"""The time after an alert in which others like it are sent with it; kept in the decision log."""

import hashlib
from datetime import datetime, timedelta
from typing import NoReturn

import msgspec

from scoring.decision_log.entries import stamp
from scoring.decision_log.hourly_limit import HOUR
from scoring.decision_log.log import LimitReached
from scoring.decision_log.storage import EXPIRES_AT, AtMost, Change, Item


class BurstWindow(msgspec.Struct, frozen=True):
    """Lets the first alert of a group out, and no other until the window is over.

    It is a limit of an intent; see `scoring.decision_log.log.Limit`.

    Parameters
    ----------
    name : str
        Of the group.
    length : timedelta
    """

    name: str
    length: timedelta

    def take(self, now: datetime) -> Change:
        """Return the write that opens the window, if it is not open."""
        until = now + self.length
        return Change(
            key=("burst#" + hashlib.sha256(self.name.encode()).hexdigest(), "window"),
            assign={"until": stamp(until), EXPIRES_AT: int((until + HOUR).timestamp())},
            only_if=(AtMost(("until",), stamp(now)),),
        )

    def renew(self, item: Item, now: datetime) -> NoReturn:
        """Raise LimitReached: the window is open."""
        del item, now
        raise LimitReached(self.name)
