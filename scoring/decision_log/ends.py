"""How a finding ends, and what that leaves in the log: an alert on it is no longer anybody's work.

An end is said by AWS: the finding is resolved, archived by somebody else, or deleted. The alert on it keeps
what it was, and is marked with ``ended_by`` and ``ended_at``; `scoring.decision_log.log` closes it.
"""

from datetime import datetime
from typing import Any, Final, Literal, get_args

from scoring.decision_log.entries import stamp
from scoring.decision_log.storage import IS_THERE, Change, ItemKey
from scoring.findings.finding import Finding

End = Literal["resolved", "archived", "deleted"]

ENDS: Final = frozenset(get_args(End))
STATUSES: Final[dict[End, str]] = {"resolved": "RESOLVED", "archived": "ARCHIVED"}
"""The status of a finding that has ended so; a deleted one keeps what it had."""

_OF_STATUS: Final = {status: end for end, status in STATUSES.items()}


def end_of(finding: Finding) -> End | None:
    """Say how a finding has ended; None while it is active.

    Examples
    --------
    >>> end_of(Finding(id="f", resource="r", resource_type="t", status="RESOLVED", finding_type="x"))
    'resolved'
    """
    return "deleted" if finding.is_deleted else _OF_STATUS.get(finding.status)


def mark(alert: ItemKey, by: End, now: datetime) -> Change:
    """Return the write that marks an alert as closed, provided that the log still keeps it."""
    return Change(key=alert, assign=attributes(by, now), only_if=(IS_THERE,))


def attributes(by: End | None, now: datetime) -> dict[str, Any]:
    """Return the attributes of a decision whose finding has ended; none where it has not."""
    return {"ended_by": by, "ended_at": stamp(now)} if by else {}
