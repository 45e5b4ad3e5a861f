"""Alerts in the log on their way: which wait to be sent with others, where they have been, which are done."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import EntryStatus, stamp
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.storage import IS_THERE, AtMost, Change, Equals, ItemKey, write_each


def waiting(log: DecisionLog, now: datetime) -> Iterator[LoggedDecision]:
    """Read the alerts that wait and that no other run is sending, oldest first."""
    return (found for found in log.by_effect(EntryStatus.QUEUED) if found.sending_until <= stamp(now))


def claim(log: DecisionLog, alerts: Sequence[LoggedDecision], now: datetime) -> list[LoggedDecision]:
    """Take alerts to be sent, until the lease is over; return those that no other run took or has sent."""
    claims = [
        Change(
            key=alert.key,
            assign={"sending_until": stamp(now + timedelta(seconds=log.lease_seconds))},
            only_if=(Equals(("effect",), str(EntryStatus.QUEUED)), AtMost(("sending_until",), stamp(now))),
        )
        for alert in alerts
    ]
    claimed = write_each(log.storage, claims)
    return [alert for alert, is_ours in zip(alerts, claimed, strict=True) if is_ours]


def mark_done(log: DecisionLog, alerts: Sequence[LoggedDecision], now: datetime) -> None:
    """Note that alerts have been sent."""
    values = {"effect": "alert", "state": str(EntryStatus.DONE), "done_at": stamp(now), **log.expiry(now)}
    write_each(log.storage, [Change(key=alert.key, assign=values) for alert in alerts])


def mark_sent(log: DecisionLog, keys: Sequence[ItemKey], destination: str) -> None:
    """Note that alerts have reached a destination; they are not sent there again."""
    sent = [Change(key=key, add={"sent": {destination}}, only_if=(IS_THERE,)) for key in keys]
    write_each(log.storage, sent)


def count_try(log: DecisionLog, keys: Sequence[ItemKey]) -> None:
    """Note that alerts could not be sent everywhere this time."""
    write_each(log.storage, [Change(key=key, add={"tries": 1}, only_if=(IS_THERE,)) for key in keys])
