"""What a delivery means, given where the finding stands: new, a repeat, late, or our own doing.

AWS delivers an event at least once and in any order, and tells time in seconds. An event of the same second
says the same or not: where it says something else, only the finding itself can tell which came last.
"""

from collections.abc import Sequence
from typing import Literal

from scoring.aws.errors import reason
from scoring.decision_log.entries import FindingState, content_of, updated_at
from scoring.decision_log.log import DecisionLog
from scoring.findings.context import Reactivation
from scoring.findings.facts import ABSENT, Fact, Present, Unknown
from scoring.findings.finding import Finding

EventKind = Literal[
    "new",  # to be decided on
    "resumed",  # to be decided on again: whoever was at work has not finished
    "repeat",  # decided on already
    "taken",  # somebody else is at work
    "unsent",  # an alert was about to go out, and nobody knows whether it did
    "look",  # only the finding as it is now can tell
    "our archive",  # our own archive coming back
    "our archive, unfinished",  # the same, and its outcome was never written
    "changed archive",  # we archived something else than what the finding says now
]

_SECONDS = len("2026-11-01T10:00:00")


def classify_event(
    finding: Finding,
    before: FindingState | None,
    *,
    now: str,
    mode: str,
    is_fresh: bool = False,
    content: str | None = None,
) -> EventKind:
    """Say what a delivery means.

    Parameters
    ----------
    before : FindingState or None
        Where the finding stands.
    now : str
        The present moment, as `scoring.decision_log.entries.stamp` writes it.
    mode : str
        ``shadow`` or ``enforce``.
    is_fresh : bool
        Whether the finding has just been read from AWS; then "look" is not an answer.
    content : str, optional
        Digest of what the finding says, where the finding itself is only a summary.
    """
    if before is None:
        return "new"
    is_unfinished = before.is_unfinished
    if is_unfinished and now < before.lease_until:
        return "taken"
    if is_unfinished and before.effect == "alert":
        return "unsent"
    order = _order(finding, before)
    says = content_of(finding) if content is None else content
    if before.effect == "archive" and finding.status == "ARCHIVED" and (order != "older" or is_unfinished):
        if before.content and says != before.content:
            return "changed archive"
        return "our archive, unfinished" if is_unfinished else "our archive"
    if before.effect == "archive" and finding.status == "ACTIVE" and (order != "older" or is_unfinished):
        if not is_fresh:
            return "look"
        return "resumed" if is_unfinished else "new"
    if is_unfinished:
        return "look" if order == "older" and not is_fresh else "resumed"
    if order == "newer":
        return "new"
    if order == "older":
        return "repeat"
    if (finding.status, says) != (before.status, before.content):
        return "new" if is_fresh else "look"
    was_shadow = before.effect == "none" and before.outcome != "skip" and mode == "enforce"
    return "new" if was_shadow else "repeat"


def brought_back_by(finding: Finding, before: FindingState | None) -> tuple[str, str]:
    """Say who brought a finding back, and when: one that stood as archived and is active was re-activated.

    Returns
    -------
    tuple of str
        ``person``, ``undo``, ``expiry`` or an empty string; and the moment, as far as it is known.
    """
    if before is None:
        return "", ""
    # An archive whose outcome was never written may have happened: what is active and newer may be back.
    has_acted = not before.is_unfinished or _order(finding, before) == "newer"
    if finding.status == "ACTIVE" and has_acted:
        if before.effect == "archive" and not before.reactivated:
            return "person", updated_at(finding)
        if before.effect != "archive" and before.status == "ARCHIVED":
            return "person", updated_at(finding)
    return before.reactivated, before.reactivated_at


def _order(finding: Finding, before: FindingState) -> Literal["older", "same", "newer"]:
    """Compare times by the second; without a time of its own a finding counts as newer."""
    said, known = updated_at(finding)[:_SECONDS], before.updated_at[:_SECONDS]
    if not said or said > known:
        return "newer"
    return "same" if said == known else "older"


def reactivated(findings: Sequence[Finding], log: DecisionLog) -> list[Fact[Reactivation]]:
    """Find out who brought each finding back, 100 a request; where nobody can tell, it is unknown."""
    try:
        marks = log.latest_of([finding.id for finding in findings])
    except Exception as error:
        why = reason(error)
        if why is None:
            raise
        return [Unknown(why)] * len(findings)
    return [reactivation(finding, marks.get(finding.id)) for finding in findings]


def reactivation(finding: Finding, mark: FindingState | None) -> Fact[Reactivation]:
    """Say who brought a finding back, given where it stands; absent where nobody did."""
    who, moment = brought_back_by(finding, mark)
    return Present(Reactivation(who, moment or None)) if who else ABSENT
