"""Findings that others have archived, counted by who did it and in which hour."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from scoring.decision_log.entries import stamp
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.storage import EXPIRES_AT, Change

MOST_COUNTED: Final = 2000
"""Findings that one call adds at most."""

_HOUR: Final = len("2026-11-02T09")
_KEPT: Final = timedelta(days=2)


def count(log: DecisionLog, by: str, finding_ids: Iterable[str], now: datetime) -> int:
    """Add findings to those that a principal has archived; no finding counts twice.

    Returns
    -------
    int
        How many it has archived in this hour and the one before.
    """
    partition = "watch#count#" + hashlib.sha256(by.encode()).hexdigest()[:24]
    change = Change(
        key=(partition, stamp(now)[:_HOUR]),
        assign={EXPIRES_AT: int((now + _KEPT).timestamp())},
        add={"finding_ids": {one[:200] for one in sorted(finding_ids)[:MOST_COUNTED]}},
    )
    counted: set[str] = log.storage.change(change)["finding_ids"]
    earlier = log.storage.get((partition, stamp(now - timedelta(hours=1))[:_HOUR]))
    return len(counted | (earlier["finding_ids"] if earlier else set()))
