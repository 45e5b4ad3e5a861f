"""Which alerts go out at once, and which wait to be sent with others.

The first alert goes out at once and opens a window for its resource and for its principals; those that follow
inside the window are queued. Above so many mails in an hour, alerts are queued too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from scoring.decision.decide import Decision
from scoring.decision_log.burst_window import BurstWindow
from scoring.decision_log.entries import QueuedAlert, stamp
from scoring.decision_log.hourly_limit import HOUR, Cap, HourlyLimit
from scoring.decision_log.log import Limit, LimitReached
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


def route_to_digest(
    finding: Finding, decision: Decision, policy: Alerts, now: datetime
) -> QueuedAlert | None:
    """Return how an alert waits for the digest; None where the policy gives it a mail of its own."""
    if not (finding.is_unused_access and policy.unused_in_digest):
        return None
    window, usual = timedelta(minutes=policy.window_minutes), timedelta(hours=policy.digest_hours)
    return QueuedAlert("digest", stamp(now + (window if decision.guardrails else usual)))


def mails(policy: Alerts) -> HourlyLimit:
    """Return the limit of mails in an hour."""
    return HourlyLimit(_MAILS, (Cap("all", policy.mails_per_hour),))


def limits(groups: Sequence[str], policy: Alerts) -> list[Limit]:
    """Return what lets an alert out at once: no window is open, and there is room for a mail."""
    length = timedelta(minutes=policy.window_minutes)
    windows = [BurstWindow(group, HOUR if group == BREAKER else length) for group in groups]
    if not policy.window_minutes and list(groups) != [BREAKER]:
        windows = []
    return [*windows, mails(policy)]


def queued(refused: LimitReached, policy: Alerts, now: datetime, *, is_guarded: bool) -> QueuedAlert:
    """Return how an alert is queued that a limit kept from being sent at once.

    Parameters
    ----------
    is_guarded : bool
        Whether it has a guardrail: then it waits no longer than the window.
    """
    window = timedelta(minutes=policy.window_minutes)
    if refused.name == _MAILS:
        return QueuedAlert("excess", stamp(now + (window if is_guarded else HOUR)))
    return QueuedAlert("burst", stamp(now + window), refused.name)
