"""Send queued alerts: bursts as one mail each, the rest in a digest. Run on a schedule.

Before a mail goes out each of its findings is read, and each alert claimed; after it, each is marked as sent.
What crashes in between is sent again, and says so. Nothing leaves the queue without having been in a mail,
but for alerts whose findings have ended. Each team gets a mail of its own alerts, the security team one of
all that go to it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from scoring.decision_log import queued
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import stamp
from scoring.pipeline import open_findings
from scoring.pipeline.alerts import bursts, delivery, digest
from scoring.pipeline.alerts.alert_mail import answering
from scoring.pipeline.alerts.delivery import Delivery, Sent
from scoring.pipeline.alerts.digest import MOST_ROWS, Digest
from scoring.pipeline.runtime import Runtime


class Batch(NamedTuple):
    """Queued alerts that go out in one mail; without a group they are the digest's."""

    group: str | None
    alerts: list[LoggedDecision]


def flush(runtime: Runtime, *, period: timedelta, is_time_left: Callable[[], bool] = lambda: True) -> int:
    """Send what has to go out before the next run.

    Parameters
    ----------
    period : timedelta
        How long it is until the next run.
    is_time_left : callable
        Whether there is time for another mail; what is left is sent by the next run.

    Returns
    -------
    int
        How many mails were sent.

    Raises
    ------
    Exception
        The first of those that kept a mail from being sent, after all others have been.
    """
    now = runtime.now()
    room = bursts.mails(runtime.policy.alerts).room(runtime.log, now)
    batches = plan(queued.waiting(runtime.log, now), before=now + period, room=room)
    sent = [_send(batch, runtime) for batch in batches if is_time_left()]
    errors = [one.error for one in sent if one.error is not None]
    if errors:
        raise errors[0]
    return sum(one.mails for one in sent)


def plan(alerts: Iterable[LoggedDecision], *, before: datetime, room: int) -> list[Batch]:
    """Put queued alerts into mails, those that are due soonest first.

    Parameters
    ----------
    before : datetime
        What is due until then goes out.
    room : int
        How many mails may be sent beside the digest; bursts above that go into the digest.
    """
    last = stamp(before)
    of_group: dict[str, list[LoggedDecision]] = {}
    rest: list[LoggedDecision] = []
    for alert in sorted(alerts, key=lambda alert: (alert.due_at, alert.decided_at)):
        if alert.route == "burst":
            of_group.setdefault(alert.group, []).append(alert)
        else:
            rest.append(alert)
    due = [Batch(group, found) for group, found in of_group.items() if found[0].due_at <= last]
    for batch in due[max(room, 0) :]:
        rest += batch.alerts
    is_due = len(due) > room or any(alert.due_at <= last for alert in rest)
    batches = due[: max(room, 0)] + ([Batch(None, rest)] if is_due else [])
    return [
        Batch(group, found[start : start + MOST_ROWS])
        for group, found in batches
        for start in range(0, len(found), MOST_ROWS)
    ]


def _send(batch: Batch, runtime: Runtime) -> Sent:
    """Claim, send, mark; alerts that another run is sending are left to it."""
    log = runtime.log
    still_open = open_findings.close_ended(batch.alerts, runtime)
    now = runtime.now()
    claimed = queued.claim(log, still_open, now)
    sent = delivery.deliver(
        [Delivery.of(alert, runtime) for alert in claimed],
        lambda numbers: _mail(batch.group, [claimed[n] for n in numbers], runtime),
        runtime,
    )
    if batch.group is not None and sent.mails:
        bursts.mails(runtime.policy.alerts).count(log, now)
    done = [alert for alert, is_done in zip(claimed, sent.done, strict=True) if is_done]
    queued.mark_done(log, done, runtime.now())
    return sent


def _mail(group: str | None, alerts: Sequence[LoggedDecision], runtime: Runtime) -> Digest:
    is_repeat = any(alert.sending_until for alert in alerts)
    if group is None:
        return digest.of_rest(alerts, runtime.policy, is_repeat=is_repeat, answering=answering(runtime))
    return digest.of_burst(alerts, group, runtime.policy, is_repeat=is_repeat, answering=answering(runtime))
