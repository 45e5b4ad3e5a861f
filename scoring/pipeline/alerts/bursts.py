"""Which alerts go out at once, and which wait to be sent with others.

The first alert goes out at once and opens a window for its resource and for its principals; those that follow
inside the window are collected. Above so many mails in an hour, alerts are collected too.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from scoring.decision.decide import Decision
from scoring.decision_log.entries import QueuedAlert, stamp
from scoring.decision_log.hourly_limit import HOUR, Hourly, Most
from scoring.decision_log.log import Limit, LimitReached
from scoring.decision_log.table import EXPIRES_AT, key, to_item
from scoring.findings.access.principal import principals_of
from scoring.findings.finding import Finding
from scoring.pipeline.circuit_breaker import NAME as STOPPED
from scoring.policy.limits import Alerts

BREAKER = "the circuit breaker"
_MAILS = "mails"


def groups_of(finding: Finding, decision: Decision) -> list[str]:
    """Name what a finding may have in common with others, so that they are one burst."""
    if any(rail.name == STOPPED for rail in decision.guardrails):
        return [BREAKER]
    principals = [f"principal {name}" for name in principals_of(finding)]
    return [f"resource {finding.resource}", *principals]


def set_aside(finding: Finding, decision: Decision, policy: Alerts, now: datetime) -> QueuedAlert | None:
    """Say how a finding waits that gets no mail of its own whatever else happens."""
    if not (finding.is_unused_access and policy.unused_in_digest):
        return None
    window, usual = timedelta(minutes=policy.window_minutes), timedelta(hours=policy.digest_hours)
    return QueuedAlert("digest", stamp(now + (window if decision.guardrails else usual)))


def mails(table: str, policy: Alerts) -> Hourly:
    """Return the count of mails in an hour."""
    return Hourly(table, _MAILS, (Most("all", policy.mails_per_hour),))


def openings(table: str, groups: Sequence[str], policy: Alerts, now: datetime) -> list[Limit]:
    """Return the writes that let an alert out at once: no window is open, and there is room for a mail."""
    windows = [_window(table, group, policy, now) for group in groups]
    if not policy.window_minutes and list(groups) != [BREAKER]:
        windows = []
    return [*windows, mails(table, policy).take(now)]


def reopened(
    refused: LimitReached, table: str, groups: Sequence[str], policy: Alerts, now: datetime
) -> list[Limit]:
    """Return the writes to try next where the count of mails was only too long a list; otherwise none."""
    counted = mails(table, policy)
    if refused.name != _MAILS or counted.reached(refused.item, now):
        return []
    return [*openings(table, groups, policy, now)[:-1], counted.renew(refused.item, now)]


def collected(refused: LimitReached, policy: Alerts, now: datetime, *, is_guarded: bool) -> QueuedAlert:
    """Say how an alert waits that could not go out at once.

    Parameters
    ----------
    is_guarded : bool
        Whether a guardrail stands: then it waits no longer than the window.
    """
    window = timedelta(minutes=policy.window_minutes)
    if refused.name == _MAILS:
        return QueuedAlert("excess", stamp(now + (window if is_guarded else HOUR)))
    return QueuedAlert("burst", stamp(now + window), refused.name)


def _window(table: str, group: str, policy: Alerts, now: datetime) -> Limit:
    """Open the window of a group, if it is not open."""
    until = now + (HOUR if group == BREAKER else timedelta(minutes=policy.window_minutes))
    values = {":until": stamp(until), ":now": stamp(now), ":end": int((until + HOUR).timestamp())}
    return Limit(
        group,
        {
            "Update": {
                "TableName": table,
                "Key": key("burst#" + hashlib.sha256(group.encode()).hexdigest(), "window"),
                "UpdateExpression": "SET #until = :until, #end = :end",
                "ConditionExpression": "attribute_not_exists(#until) OR #until <= :now",
                "ExpressionAttributeNames": {"#until": "until", "#end": EXPIRES_AT},
                "ExpressionAttributeValues": to_item(values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
    )
