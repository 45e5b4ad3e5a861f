"""Send what was collected: bursts as one mail each, the rest in a digest. Run on a schedule.

Before a mail goes out each of its alerts is claimed; after it, each is marked as sent. What crashes in
between is sent again, and says so. Nothing leaves the collection without having been in a mail. Each team
gets a mail of its own alerts, the security team one of all that it is told of.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from scoring.decision_log.entries import stamp
from scoring.decision_log.hourly_limit import LIMITS
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.table import (
    ConditionFailed,
    by_effect,
    key,
    read_many,
    to_item,
    write_each,
    write_together,
)
from scoring.pipeline.alerts import bursts, delivery, digest
from scoring.pipeline.alerts.delivery import Delivery, Sent
from scoring.pipeline.alerts.digest import MOST_ROWS, Digest
from scoring.pipeline.alerts.mail import answering
from scoring.pipeline.runtime import Runtime

Collected = Mapping[str, Any]


class Batch(NamedTuple):
    """Collected alerts that go out in one mail; without a group they are the digest's."""

    group: str | None
    items: list[Collected]


def flush(runtime: Runtime, *, period: timedelta) -> int:
    """Send what has to go out before the next run.

    Parameters
    ----------
    period : timedelta
        How long it is until the next run.

    Returns
    -------
    int
        How many mails were sent.

    Raises
    ------
    Exception
        The first of those that kept a mail from being sent, after all others have been.
    """
    log, now = runtime.log, runtime.now()
    free = [
        item
        for item in by_effect(log.client, log.table, "collected")
        if item.get("sending_until", "") <= stamp(now)
    ]
    batches = plan(free, before=now + period, room=_room(runtime, now))
    sent = [_send(batch, runtime) for batch in batches]
    errors = [one.error for one in sent if one.error is not None]
    if errors:
        raise errors[0]
    return sum(one.mails for one in sent)


def plan(items: Iterable[Collected], *, before: datetime, room: int) -> list[Batch]:
    """Put collected alerts into mails, those that are due soonest first.

    Parameters
    ----------
    before : datetime
        What is due until then goes out.
    room : int
        How many mails may be sent beside the digest; bursts above that go into the digest.
    """
    last = stamp(before)
    of_group: dict[str, list[Collected]] = {}
    rest: list[Collected] = []
    for item in sorted(items, key=lambda item: (item["due_at"], item["decided_at"])):
        if item["route"] == "burst":
            of_group.setdefault(item["group"], []).append(item)
        else:
            rest.append(item)
    due = [Batch(group, found) for group, found in of_group.items() if found[0]["due_at"] <= last]
    for batch in due[max(room, 0) :]:
        rest += batch.items
    is_due = len(due) > room or any(item["due_at"] <= last for item in rest)
    batches = due[: max(room, 0)] + ([Batch(None, rest)] if is_due else [])
    return [
        Batch(group, found[start : start + MOST_ROWS])
        for group, found in batches
        for start in range(0, len(found), MOST_ROWS)
    ]


def _room(runtime: Runtime, now: datetime) -> int:
    """Return how many mails are left of this hour's, and forget those of earlier hours."""
    log, most = runtime.log, runtime.policy.alerts.mails_per_hour
    limits = bursts.mails(log.table, runtime.policy.alerts)
    counted = next(read_many(log.client, log.table, [(LIMITS, limits.item)]), None)
    if counted is None:
        return most
    room = most - limits.within(counted, now)
    if len(counted.get("all", ())) > most:
        with suppress(ConditionFailed):  # somebody else counts at this moment; the next run forgets
            write_together(log.client, [limits.renew(counted, now, taken=False).write])
    return room


def _send(batch: Batch, runtime: Runtime) -> Sent:
    """Claim, send, mark; alerts that somebody else is sending are left to them."""
    log, now = runtime.log, runtime.now()
    claims = [_claim(item, log, now) for item in batch.items]
    claimed = write_each(log.client, claims)
    items = [item for item, is_ours in zip(batch.items, claimed, strict=True) if is_ours]
    parcels = [Delivery(item, delivery.recipients_of(item, runtime)) for item in items]
    sent = delivery.deliver(parcels, lambda some: _mail(batch.group, some, runtime), runtime)
    if batch.group is not None and sent.mails:
        _count(runtime, now)
    done = [item for item, is_done in zip(items, sent.done, strict=True) if is_done]
    write_each(log.client, [_sent(item, log, runtime.now()) for item in done])
    return sent


def _mail(group: str | None, items: Sequence[Collected], runtime: Runtime) -> Digest:
    is_repeat = any(item.get("sending_until") for item in items)
    if group is None:
        return digest.of_rest(items, runtime.policy, is_repeat=is_repeat, answering=answering(runtime))
    return digest.of_burst(items, group, runtime.policy, is_repeat=is_repeat, answering=answering(runtime))


def _count(runtime: Runtime, now: datetime) -> None:
    """Count a mail that has been sent, whether or not there was room."""
    limits = bursts.mails(runtime.log.table, runtime.policy.alerts)
    runtime.log.client.update_item(**limits.count(now))


def _claim(item: Collected, log: DecisionLog, now: datetime) -> dict[str, Any]:
    values = {
        ":until": stamp(now + timedelta(seconds=log.lease_seconds)),
        ":now": stamp(now),
        ":collected": "collected",
    }
    return {
        "Update": {
            "TableName": log.table,
            "Key": key(item["finding_id"], item["item"]),
            "UpdateExpression": "SET sending_until = :until",
            "ConditionExpression": "effect = :collected"
            " AND (attribute_not_exists(sending_until) OR sending_until <= :now)",
            "ExpressionAttributeValues": to_item(values),
        }
    }


def _sent(item: Collected, log: DecisionLog, now: datetime) -> dict[str, Any]:
    values = {"effect": "alert", "state": "done", "done_at": stamp(now), **log.expiry(now)}
    return log.change(item["finding_id"], item["item"], values)
