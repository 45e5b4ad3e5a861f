"""Classify an event by the latest log entry of its finding: new, duplicate, out of date, or our own doing.

AWS delivers an event at least once and in any order, and its times are whole seconds. Where an event of the
same second says something else than the log, only the finding itself can tell which of the two came last: it
has to be read.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from scoring.aws.errors import reason
from scoring.decision_log.entries import FindingState, content_of, updated_at
from scoring.decision_log.log import DecisionLog
from scoring.findings.context import Reactivation
from scoring.findings.facts import ABSENT, Fact, Present, Unknown
from scoring.findings.finding import Finding


class EventKind(StrEnum):
    """What an event is, given the latest state of its finding in the log."""

    NEW = "new"
    """A version of the finding that is to be decided on."""
    RESUMED = "resumed"
    """To be decided on again: the invocation that held the lease has not finished."""
    REPEAT = "repeat"
    """Decided on already, or out of date."""
    IN_PROGRESS = "in_progress"
    """Another invocation holds the lease."""
    SEND_INTERRUPTED = "send_interrupted"
    """An alert was about to be sent, and nobody knows whether it was."""
    NEEDS_READ = "needs_read"
    """The finding has to be read: only as it is now it shows which of the others it is."""
    OWN_ARCHIVE = "own_archive"
    """The event of our own archive."""
    UNFINISHED_ARCHIVE = "unfinished_archive"
    """The same, and its outcome was never written."""
    CHANGED_ARCHIVE = "changed_archive"
    """We archived something else than what the finding says now."""


_SECONDS = len("2026-11-01T10:00:00")


def classify_event(
    finding: Finding,
    latest: FindingState | None,
    *,
    now: str,
    mode: str,
    is_fresh: bool = False,
    content: str | None = None,
) -> EventKind:
    """Classify an event by the latest state of its finding in the log.

    Parameters
    ----------
    now : str
        The present moment, as `scoring.decision_log.entries.stamp` writes it.
    mode : str
        ``shadow`` or ``enforce``.
    is_fresh : bool
        Whether the finding has just been read from AWS; then NEEDS_READ is not an answer.
    content : str, optional
        Digest of what the finding says, where the finding itself is only a summary.
    """
    if latest is None:
        return EventKind.NEW
    if latest.is_unfinished and now < latest.lease_until:
        return EventKind.IN_PROGRESS
    if latest.is_unfinished and latest.effect == "alert":
        return EventKind.SEND_INTERRUPTED
    order = _order(finding, latest)
    says = content_of(finding) if content is None else content
    if latest.effect == "archive" and (order != "older" or latest.is_unfinished):
        if finding.status == "ARCHIVED":
            return _kind_of_archive(says, latest)
        if finding.status == "ACTIVE" and not is_fresh:
            return EventKind.NEEDS_READ
        if finding.status == "ACTIVE":
            return EventKind.RESUMED if latest.is_unfinished else EventKind.NEW
    if latest.is_unfinished:
        return EventKind.NEEDS_READ if order == "older" and not is_fresh else EventKind.RESUMED
    if order == "newer":
        return EventKind.NEW
    if order == "older":
        return EventKind.REPEAT
    if (finding.status, says) != (latest.status, latest.content):
        return EventKind.NEW if is_fresh else EventKind.NEEDS_READ
    was_shadow = latest.effect == "none" and latest.outcome != "skip" and mode == "enforce"
    return EventKind.NEW if was_shadow else EventKind.REPEAT


def _kind_of_archive(says: str, latest: FindingState) -> EventKind:
    if latest.content and says != latest.content:
        return EventKind.CHANGED_ARCHIVE
    return EventKind.UNFINISHED_ARCHIVE if latest.is_unfinished else EventKind.OWN_ARCHIVE


def brought_back_by(finding: Finding, latest: FindingState | None) -> tuple[str, str]:
    """Return who re-activated a finding, and when: the log has its archive, and it is active.

    Returns
    -------
    tuple of str
        ``person``, ``undo``, ``expiry`` or an empty string; and the moment, as far as it is known.
    """
    if latest is None:
        return "", ""
    # An archive whose outcome was never written may have happened: what is active and newer may be back.
    has_acted = not latest.is_unfinished or _order(finding, latest) == "newer"
    if finding.status == "ACTIVE" and has_acted:
        if latest.effect == "archive" and not latest.reactivated:
            return "person", updated_at(finding)
        if latest.effect != "archive" and latest.status == "ARCHIVED":
            return "person", updated_at(finding)
    return latest.reactivated, latest.reactivated_at


def _order(finding: Finding, latest: FindingState) -> Literal["older", "same", "newer"]:
    """Compare times by the second; without a time of its own a finding counts as newer."""
    said, known = updated_at(finding)[:_SECONDS], latest.updated_at[:_SECONDS]
    if not said or said > known:
        return "newer"
    return "same" if said == known else "older"


def reactivated(findings: Sequence[Finding], log: DecisionLog) -> list[Fact[Reactivation]]:
    """Find out who re-activated each finding, 100 a request; where AWS does not answer, it is unknown."""
    try:
        states = log.latest_of([finding.id for finding in findings])
    except Exception as error:
        why = reason(error)
        if why is None:
            raise
        return [Unknown(why)] * len(findings)
    return [reactivation(finding, states.get(finding.id)) for finding in findings]


def reactivation(finding: Finding, latest: FindingState | None) -> Fact[Reactivation]:
    """Say who re-activated a finding, given its latest state in the log; absent where nobody did."""
    who, moment = brought_back_by(finding, latest)
    return Present(Reactivation(who, moment or None)) if who else ABSENT
